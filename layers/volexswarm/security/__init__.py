"""Who may do what: roles, permissions and tokens. No passwords are kept here; Vault has them."""
