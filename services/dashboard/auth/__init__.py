"""Users, sessions, access rights and languages of the dashboard."""
