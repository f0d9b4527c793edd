"""What the remotes' documents leave open, one frozen value a system; the defaults are the likeliest reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bridge.clients.assembly import LabelsPath
from bridge.clients.crm import Names
from bridge.core.errors import SettingsError

O = TypeVar("O", "CrmOptions", "AssemblyOptions")  # noqa: E741

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class CrmOptions:
    """Open points of crm.txt."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    names: Names = field(default_factory=Names)
    """Names of query parameters."""
    updated_at: str = "updatedAt"
    """Path to a record's own time stamp."""
    clears_with_null: bool = True
    stage_field: str = "stageId"
    """The stage's name in the body of ``PATCH /leads/{id}/stage``."""
    stage_paths: tuple[str, ...] = ("stageId", "pipelineStageId", "stage.id")
    """Where a lead may show its stage's id."""
    membership_paths: tuple[str, ...] = ("companyMemberships", "memberships")
    """Where a contact may show its memberships."""
    primary_field: str = "isPrimary"
    """The flag of the membership that counts when a contact has several; empty: the CRM has none."""
    membership_id: Literal["membership", "company"] = "membership"
    """What the last id of a membership's path is."""
    page_size: int = 100


@dataclass(frozen=True, slots=True)
class AssemblyOptions:
    """Open points of assembly.txt and assembly-legacy.txt."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    updated_at: str = "updated_at"
    clears_with_null: bool = True
    contact_company_paths: tuple[str, ...] = ("company_id", "company.id", "company_account_id", "account_id", "company")
    """Where a contact may show its company's id."""
    deal_account_paths: tuple[str, ...] = ("account_source_specific_id", "account.source_specific_id")
    """Where a deal may show the source id of its account."""
    companies_first: bool = True
    """The list of accounts ends its companies before its first customers, as the text says."""
    labels_path: LabelsPath = "/accounts/labels"
    """Where labels live: the prose of the text has ``/account/labels``."""
    note_source: str = "crm"
    """The ``source`` of notes whose mapping names none. Never change it: it is half of their key."""
    page_size: int = 100


def options(kind: type[O], given: Mapping[str, Any], *, name: str) -> O:
    """``given`` (a setting) as options. Raises ``SettingsError`` that names every mistake."""
    try:
        return TypeAdapter(kind).validate_python(dict(given))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise SettingsError(f"{name}: {wrong}") from None
