-- The registry as rows, for people and reports that ask by SQL: the jobs read its file.
CREATE TABLE device_registry (
    device_id  text PRIMARY KEY,
    site_id    text,
    zone       text,
    profile    text NOT NULL,
    limits     jsonb NOT NULL,
    version    text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz
);
CREATE INDEX device_registry_site ON device_registry (site_id) WHERE site_id IS NOT NULL;

-- Makes the table say what one version of the registry says. `devices` is a list of objects with the table's names; rows that are
-- as they should be stay untouched.
CREATE FUNCTION fire_register_devices(present text, devices jsonb)
RETURNS TABLE (devices_registered bigint, devices_removed bigint)
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO device_registry AS kept (device_id, site_id, zone, profile, limits, version)
    SELECT each.device_id, each.site_id, each.zone, each.profile, each.limits, present
    FROM jsonb_to_recordset(devices) AS each (device_id text, site_id text, zone text, profile text, limits jsonb)
    ORDER BY each.device_id
    ON CONFLICT (device_id) DO UPDATE SET site_id = EXCLUDED.site_id, zone = EXCLUDED.zone, profile = EXCLUDED.profile,
        limits = EXCLUDED.limits, version = EXCLUDED.version, updated_at = now(), removed_at = NULL
    WHERE (kept.site_id, kept.zone, kept.profile, kept.limits, kept.version, kept.removed_at)
        IS DISTINCT FROM (EXCLUDED.site_id, EXCLUDED.zone, EXCLUDED.profile, EXCLUDED.limits, EXCLUDED.version, NULL);
    GET DIAGNOSTICS devices_registered = ROW_COUNT;
    UPDATE device_registry AS kept SET removed_at = now()
    WHERE removed_at IS NULL AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(devices) AS each (device_id text) WHERE each.device_id = kept.device_id);
    GET DIAGNOSTICS devices_removed = ROW_COUNT;
    RETURN NEXT;
END
$$;

COMMENT ON TABLE device_registry IS 'A device of the registry with its site, zone, profile and limits, and the version that said so; removed_at is when a later version no longer listed it. Written by services.retention; the jobs read the file.';
COMMENT ON FUNCTION fire_register_devices(text, jsonb) IS 'Makes device_registry say what one version of the registry says; devices that it does not list are marked as removed.';
