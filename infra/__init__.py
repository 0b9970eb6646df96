"""Building and changing the deployed system: template, deployment, database migrations."""
