#!/bin/sh
# Both databases into a new folder -> ours proved by restoring it elsewhere -> 14 days and 12 months kept -> one line.
#
#   backup.sh FOLDER
#
# FOLDER is there already: a disk that is not mounted must not be filled unseen. The environment is the service's
# (TUOQI_...), and besides:
#   SCRATCH_URL  a PostgreSQL database of ours named ...scratch that is emptied before and after; SQLite needs none
#   KEYS_FOLDER  where a copy of the key file goes, apart from FOLDER; without it somebody else keeps one
#   COPY_WITH    a program that takes the new backup's folder and carries it off the machine, encrypted
#
# Exit: 0 done; 1 no backup; 2 wrong use, nothing was touched; 3 made, but it does not restore: it is kept under
# FOLDER/failed and no older one goes; 4 made and proved, but the keys, the copy or the mark did not get where they belong.
# The mark is var/backups/proved-elsewhere: by its time `tuoqi doctor` and `tuoqi metrics` know of this backup.
set -eu
umask 077

DAYS=14
MONTHS=12

refuse() { echo "backup.sh: $1" >&2; exit 2; }

fail() { echo "$(date +%Y-%m-%dT%H:%M:%S%z) backup FAILED: $2" >&2; exit "$1"; }

within() {  # is $1 inside the folder $2?
    case "$(readlink -f -- "$1")/" in "$(readlink -f -- "$2")"/*) return 0 ;; esac
    return 1
}

newest_first() { ls -1 "$1" | grep -E "^[0-9]{4}-[0-9]{2}$2\$" | sort -r; }

keep() {  # the newest $3 of what is named like $2 in $1
    newest_first "$1" "$2" | tail -n "+$(($3 + 1))" | while read -r old; do rm -rf -- "${1:?}/$old"; done
}

emptied() {
    SCRATCH_URL=$scratch "$python" -c '
import os, psycopg
from sqlalchemy.engine import make_url
url = make_url(os.environ["SCRATCH_URL"]).set(drivername="postgresql").render_as_string(hide_password=False)
with psycopg.connect(url, autocommit=True) as scratch:
    scratch.execute("DROP SCHEMA IF EXISTS public CASCADE")
    scratch.execute("CREATE SCHEMA public")'
}

proved() {  # restore ours into the scratch database with the keys, then walk the audit chain of every district in it
    # against the anchors as they were before the backup; a restore begins those that it sees anew, so it sees none
    TUOQI_KEY_FILE=$keys TUOQI_DATABASE_URL=$scratch TUOQI_VAR_DIR=$draft.scratch TUOQI_ANCHOR_DIR=$draft.none
    export TUOQI_KEY_FILE TUOQI_ANCHOR_DIR TUOQI_DATABASE_URL TUOQI_VAR_DIR
    mkdir "$TUOQI_VAR_DIR" && tuoqi restore "$draft/tuoqi.backup" || return 1
    TUOQI_ANCHOR_DIR=$draft.anchors
    for code in $(echo "${TUOQI_DISTRICTS:-${TUOQI_DISTRICT:-530112}}" | grep -oE '[0-9]{6}'); do
        TUOQI_DISTRICT=$code tuoqi audit verify || return 1
    done
}

[ $# -eq 1 ] || refuse "one argument: the folder for backups"
[ -d "$1" ] || refuse "no folder $1"
folder=$(readlink -f -- "$1")
var=${TUOQI_VAR_DIR:-var}
keys=${TUOQI_KEY_FILE:-$var/keys/tuoqi.keys}
[ -f "$keys" ] || refuse "no key file $keys; set TUOQI_KEY_FILE"
within "$keys" "$folder" && refuse "the key file lies in $folder: whoever finds a backup would read it"
if [ -n "${KEYS_FOLDER:-}" ]; then
    [ -d "$KEYS_FOLDER" ] || refuse "no folder $KEYS_FOLDER (KEYS_FOLDER)"
    within "$KEYS_FOLDER" "$folder" && refuse "KEYS_FOLDER lies in $folder: whoever finds a backup would read it"
fi
case ${TUOQI_DATABASE_URL:-} in
"" | sqlite*) scratch= ;;
*)
    scratch=${SCRATCH_URL:-}
    case ${scratch%%\?*} in *scratch) ;; *) refuse "SCRATCH_URL must name a database ...scratch: it is emptied" ;; esac
    ;;
esac
command -v tuoqi >/dev/null || refuse "no command tuoqi on PATH"
python=$(dirname "$(command -v tuoqi)")/python

exec 9>"$folder/.lock"
flock -n 9 || fail 1 "another backup is at work in $folder"
began=$(date +%s)
now=$(date +%Y-%m-%dT%H%M%S)
while [ -e "$folder/daily/$now" ]; do sleep 1 && now=$(date +%Y-%m-%dT%H%M%S); done
draft=$folder/.new-$now
trap 'rm -rf "$draft" "$draft.scratch" "$draft.anchors" "$draft.none"' EXIT
trap 'exit 1' HUP INT TERM
rm -rf "$folder"/.new-*  # left by one that was killed
mkdir -p "$draft" "$draft.anchors" "$folder/daily" "$folder/monthly"
anchors=${TUOQI_ANCHOR_DIR:-$var/anchor}
[ ! -d "$anchors" ] || cp -R "$anchors/." "$draft.anchors" || fail 1 "the anchors in $anchors cannot be read"

tuoqi backup --to "$draft/tuoqi.backup" --prefect "$draft/prefect.backup" >/dev/null || fail 1 "see the line above"
(cd "$draft" && sha256sum tuoqi.backup prefect.backup >SHA256SUMS)

[ -z "$scratch" ] || emptied || fail 1 "the scratch database cannot be emptied"
scratch=${scratch:-sqlite:///$draft.scratch/tuoqi.db}
if ! (proved) >/dev/null; then
    mkdir -p "$folder/failed" && mv "$draft" "$folder/failed/$now"
    fail 3 "$folder/failed/$now does not restore; the older ones were kept"
fi
case $scratch in sqlite*) ;; *) emptied || fail 1 "the scratch database cannot be emptied" ;; esac

mv "$draft" "$folder/daily/$now"
month=$folder/monthly/${now%-*}
[ -d "$month" ] || cp -al "$folder/daily/$now" "$month" 2>/dev/null || cp -a "$folder/daily/$now" "$month"
sync
keep "$folder/daily" '-[0-9]{2}T[0-9]{6}' "$DAYS"
keep "$folder/monthly" '' "$MONTHS"
mkdir -p "$var/backups" && touch -d "@$began" "$var/backups/proved-elsewhere" || fail 4 "no mark in $var/backups"

carried="keys=elsewhere"
if [ -n "${KEYS_FOLDER:-}" ]; then
    carried="keys=kept"
    newest=$(ls -1 "$KEYS_FOLDER" | grep '^tuoqi\.keys-' | sort -r | head -n 1)
    cmp -s "$keys" "$KEYS_FOLDER/${newest:-none}" || cp -p "$keys" "$KEYS_FOLDER/tuoqi.keys-$now" ||
        fail 4 "the key file was not copied to $KEYS_FOLDER"
fi
if [ -n "${COPY_WITH:-}" ]; then
    "$COPY_WITH" "$folder/daily/$now" || fail 4 "$COPY_WITH $folder/daily/$now"
    carried="$carried copy=sent"
fi
size=$(du -sk "$folder/daily/$now" | cut -f1)
kept=$(newest_first "$folder/daily" '-.*' | wc -l)
echo "$(date +%Y-%m-%dT%H:%M:%S%z) backup done: $folder/daily/$now kB=$size s=$(($(date +%s) - began)) proved=yes days=$kept $carried"
