"""The people of the tests: who they are, in which tenant, and what they may. As arguments for `sign_in` and `visit`."""

from __future__ import annotations

ADA = {"sub": "usr_ada"}  # an author of the demo tenant
VERA = {"sub": "usr_vera", "scope": "scaicore:view"}  # a viewer there
TARA = {"sub": "usr_tara", "admin_role": "tenant_admin"}  # its admin
SAM = {"sub": "usr_sam", "tenant": "tnt_platform", "admin_role": "super_admin"}  # a super admin, of another tenant
OLAF = {"sub": "usr_olaf", "tenant": "tnt_other"}  # an author of another tenant
