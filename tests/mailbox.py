"""A mail server on this machine that keeps what it is handed in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer


@dataclass
class Mailbox:
    port: int = 0
    # What it answers to each recipient; of a list the first first.
    recipient_answers: list[str] = field(default_factory=list)
    # (recipients, message)
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    # It takes a connection and says nothing.
    is_mute: bool = False
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def mailbox(**wishes: object) -> Iterator[Mailbox]:
    """Such a server on a free port of 127.0.0.1."""
    box = Mailbox(**wishes)  # type: ignore[arg-type]
    server = ThreadingTCPServer(("127.0.0.1", 0), _handler_for(box))
    server.daemon_threads = True
    box.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield box
    finally:
        box.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_for(box: Mailbox) -> type[StreamRequestHandler]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            if box.is_mute:
                box.closing.wait()
                return
            self._say("220 mailbox")
            recipients: list[str] = []
            while line := self.rfile.readline().decode().strip():
                word = line.upper().split()[0]
                if word == "QUIT":
                    self._say("221 bye")
                    return
                if word == "DATA":
                    self._say("354 go on")
                    box.mails.append((recipients, self._message()))
                    recipients = []
                if word == "RCPT":
                    answer = box.recipient_answers.pop(0) if box.recipient_answers else "250 ok"
                    recipients.append(line.split(":")[1].strip("<> "))
                    self._say(answer)
                else:
                    self._say("250 ok")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def _message(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b"."))
            message = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(message, EmailMessage)
            return message

    return Handler
