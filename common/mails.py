"""Mails whose failure undoes nothing: what they say stands somewhere else, too."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage

from common import sql
from common.deadline import deadline

logger = logging.getLogger(__name__)


def try_to_send(to: str, *, subject: str, text: str, what: str) -> None:
    """Within EMAIL_TIMEOUT_SECONDS. A failure is logged with `what` it was."""
    message = EmailMessage(
        # A line break in it would be refused.
        subject=" ".join(subject.split()),
        body=f"{text}\n",
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    sql.release_connection()
    try:
        with deadline(settings.EMAIL_TIMEOUT_SECONDS):
            message.send()
    except (OSError, SMTPException, ValueError) as error:
        logger.warning("%s could not be mailed: %r", what, error)
