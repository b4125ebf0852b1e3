"""Installations: 5 computers, 5 tablets and 5 phones for each licence."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox import clock
from sandbox.database import database
from sandbox.languages import N_
from sandbox.office.models import DEVICES_EACH, Device, User

CATEGORIES = {
    "computer": N_("PC and Mac"),
    "tablet": N_("Tablets"),
    "phone": N_("Smartphones"),
}

PLATFORMS = {
    "windows": "PC",
    "macos": "Mac",
    "ios": "iPhone",
    "ipados": "iPad",
    "android": "Android",
}


class DevicesFull(Exception):
    """All places of a category are taken; one must be signed out first."""

    def __init__(self, category: str) -> None:
        super().__init__(category)
        self.category = category


@dataclass(frozen=True)
class Installation:
    """What somebody asks to install, and the ``form`` that asked (sent twice, it counts once)."""

    category: str
    platform: str
    name: str
    form: str
    language: str = ""


def install(user: User, wanted: Installation) -> Device:
    """Note an installation. Raises `DevicesFull` for a sixth one of its category."""
    with database.atomic():
        return _same(user, wanted) or _note(user, wanted)


def _same(user: User, wanted: Installation) -> Device | None:
    found: Device | None = Device.get_or_none(
        Device.user == user,
        Device.form == wanted.form,
        Device.category == wanted.category,
        Device.platform == wanted.platform,
        Device.name == wanted.name,
    )
    return found


def _note(user: User, wanted: Installation) -> Device:
    slot = free_slot(user, wanted.category)
    if slot is None:
        raise DevicesFull(wanted.category)
    return Device.create(
        user=user,
        category=wanted.category,
        platform=wanted.platform,
        name=wanted.name,
        language=wanted.language,
        form=wanted.form,
        slot=slot,
        installed_at=clock.now(),
    )


def free_slot(user: User, category: str) -> int | None:
    """The first place of a category that is free, if any."""
    taken = {device.slot for device in installed(user) if device.category == category}
    return next((slot for slot in range(1, DEVICES_EACH + 1) if slot not in taken), None)


def installed(user: User) -> list[Device]:
    """The devices on which somebody's Office works now, the oldest first."""
    return list(
        Device.select()
        .where(Device.user == user, Device.slot.is_null(False))
        .order_by(Device.installed_at, Device.id)
    )


def by_category(user: User) -> dict[str, list[Device]]:
    """The devices of each category."""
    devices = installed(user)
    return {name: [d for d in devices if d.category == name] for name in CATEGORIES}


def find(user: User, number: int) -> Device | None:
    """One of somebody's own working devices."""
    found: Device | None = Device.get_or_none(
        Device.user == user, Device.id == number, Device.slot.is_null(False)
    )
    return found


def sign_out(user: User, number: int) -> bool:
    """End Office on a device, so that its place is free; False if it was not there."""
    ended = Device.update(slot=None, form=None, signed_out_at=clock.now()).where(
        Device.user == user, Device.id == number, Device.slot.is_null(False)
    )
    return bool(ended.execute())


def suggested_name(user: User, platform: str) -> str:
    """A name for somebody's next device, not used yet: “PC 2”."""
    names = {device.name for device in installed(user)}
    label = PLATFORMS[platform]
    numbers = range(1, len(names) + 2)
    return next(f"{label} {n}" for n in numbers if f"{label} {n}" not in names)
