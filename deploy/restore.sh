#!/bin/sh
# A backup's sums -> a question -> our database, then Prefect's. What was in ours is backed up under var/backups first.
#
#   restore.sh [-y] BACKUP     BACKUP is a folder that backup.sh made, such as /backup/daily/2026-11-27T021500
#
# Stop the service first; the environment is the service's (TUOQI_...), and the key file that of the backup's time.
# Exit: 0 done; 1 refused: each database that was restored is named, the other is as it was; 2 wrong use.
set -eu
umask 077

refuse() { echo "restore.sh: $1" >&2; exit 2; }

asked=no
[ "${1:-}" != -y ] || { asked=yes && shift; }
[ $# -eq 1 ] || refuse "one argument: the folder of a backup"
[ -f "$1/SHA256SUMS" ] || refuse "$1 is no backup: there is no SHA256SUMS in it"
folder=$(readlink -f -- "$1")
command -v tuoqi >/dev/null || refuse "no command tuoqi on PATH"
(cd "$folder" && sha256sum --check --quiet --strict SHA256SUMS) || { echo "restore.sh: $folder is damaged" >&2; exit 1; }
if [ $asked = no ]; then
    printf 'All that was recorded after %s is taken out of the database. Go on? Type yes: ' "$(basename "$folder")"
    read -r answer && [ "$answer" = yes ] || { echo "restore.sh: nothing was changed" >&2; exit 1; }
fi
tuoqi restore "$folder/tuoqi.backup" --prefect "$folder/prefect.backup"
cat <<END
Next, before anything is started: 1. tuoqi audit verify
2. tuoqi export messages --to FILE.xlsx: what waited then would go out again; tuoqi message cancel KEY stops one
3. money rests until two approvers have looked: docs/operations.md, "The database is lost or damaged"
Then: tuoqi register, and all parts
END
