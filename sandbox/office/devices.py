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


class DeviceLimitReached(Exception):
    """All places of a category are taken; a device must be signed out first."""

    def __init__(self, category: str) -> None:
        super().__init__(category)
        self.category = category


@dataclass(frozen=True)
class Installation:
    """A requested installation; ``form`` identifies the form, so that it counts only once."""

    category: str
    platform: str
    name: str
    form: str
    language: str = ""


def install(user: User, wanted: Installation) -> Device:
    """Record an installation. Raises `DeviceLimitReached` for a sixth one of a category."""
    with database.atomic():
        return _find_repeated(user, wanted) or _record_installation(user, wanted)


def _find_repeated(user: User, wanted: Installation) -> Device | None:
    found: Device | None = Device.get_or_none(
        Device.user == user,
        Device.form == wanted.form,
        Device.category == wanted.category,
        Device.platform == wanted.platform,
        Device.name == wanted.name,
    )
    return found


def _record_installation(user: User, wanted: Installation) -> Device:
    slot = free_slot(user, wanted.category)
    if slot is None:
        raise DeviceLimitReached(wanted.category)
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
    """Return the first free place of a category, or None."""
    taken = {device.slot for device in installed_devices(user) if device.category == category}
    return next((slot for slot in range(1, DEVICES_EACH + 1) if slot not in taken), None)


def installed_devices(user: User) -> list[Device]:
    """Return the devices on which the user's Office is active, oldest first."""
    return list(
        Device.select()
        .where(Device.user == user, Device.slot.is_null(False))
        .order_by(Device.installed_at, Device.id)
    )


def devices_by_category(user: User) -> dict[str, list[Device]]:
    """Return the user's active devices of each category."""
    devices = installed_devices(user)
    return {name: [d for d in devices if d.category == name] for name in CATEGORIES}


def find_device(user: User, number: int) -> Device | None:
    """Return an active device of this user by its number, or None."""
    found: Device | None = Device.get_or_none(
        Device.user == user, Device.id == number, Device.slot.is_null(False)
    )
    return found


def sign_out_device(user: User, number: int) -> bool:
    """Sign Office out on a device and release its place; False if it was not active."""
    ended = Device.update(slot=None, form=None, signed_out_at=clock.now()).where(
        Device.user == user, Device.id == number, Device.slot.is_null(False)
    )
    return bool(ended.execute())


def suggested_name(user: User, platform: str) -> str:
    """Suggest an unused name for the user's next device: “PC 2”."""
    names = {device.name for device in installed_devices(user)}
    label = PLATFORMS[platform]
    numbers = range(1, len(names) + 2)
    return next(f"{label} {n}" for n in numbers if f"{label} {n}" not in names)
