from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "console"

    def ready(self) -> None:
        from common import languages, rotation
        from console.accounts.preferences import language_of
        from console.accounts.rotation import rotate

        rotation.OTHERS["second factors"] = rotate
        languages.CHOSEN.append(language_of)
