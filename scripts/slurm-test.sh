#!/usr/bin/env bash
# `indieval slurm` on a real Slurm of two nodes: 16 shards of which one meets its time limit, one is killed, one is preempted
# by a job of a higher partition, and one is on a node that crashes. The merged run must be the bytes of one in one piece,
# and nothing recorded may be computed twice.
#
# usage: scripts/slurm-test.sh PROGRAM
#
# Installs Debian's Slurm where it may (root and apt-get). Where it is missing, the test says so and skips; where CI is set,
# that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:?the program}")
root=$PWD

have() { command -v slurmctld slurmd sbatch munged >/dev/null; }
if ! have && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    slurmctld slurmd slurm-client munge; } >/dev/null 2>&1 || true
fi
if ! have || [ "$(id -u)" != 0 ]; then
  echo "skipped: the test of Slurm needs slurmctld, slurmd, sbatch and munged, and to be run as root"
  [ -z "${CI:-}" ] || exit 1
  exit 0
fi

work=$(mktemp -d)
export SLURM_CONF="$work/lab/slurm.conf" RAYON_NUM_THREADS=1
trap 'scancel --me 2>/dev/null || true; scripts/slurm-lab.sh down "$work/lab"; sleep 3; rm -rf "$work" || true' EXIT
fail() {
  echo "error: $*" >&2
  tail -n 5 "$work"/run/slurm/logs/* >&2 || true
  exit 1
}
mkdir "$work/lab"
scripts/slurm-lab.sh up "$work/lab"

spec=(--model fake:7 --survey "$root/data/synthetic-respondents.csv" --limit "${PEOPLE:-160}" --methods likelihood,label
  --demonstrations 0,20 --splits 1)
"$program" run "${spec[@]}" --out "$work/whole" --quiet
"$program" slurm submit "${spec[@]}" --out "$work/run" --shards 16 --grace 5 --sbatch "--ntasks=1 --mem=100" | tee "$work/first"
array=$(sed -n 's/^job \([0-9]*\): shards.*/\1/p' "$work/first")

lines() { cat "$1/records.jsonl" 2>/dev/null | wc -l; }
each=$(($(lines "$work/whole") / 16)) # everybody answered everything
# A task that computes, has recorded something and was not disturbed before. Its process is stopped, so that it is still there
# when it is to be disturbed, and what is recorded is what the next start must begin with.
disturbed=" "
declare -A known
pick() {
  local shard
  for _ in $(seq 2000); do
    for shard in $(seq 16); do
      case $disturbed in *" $shard "*) continue ;; esac
      [ "$(lines "$work/run/shards/$shard-of-16")" -gt 3 ] || continue
      process=$(pgrep -nf -- "--shard $shard/16 ") || continue
      # One whose script is gone was preempted a moment ago and is about to end.
      [ "$(ps -o ppid= -p "$process" | tr -d ' ')" != 1 ] && kill -STOP "$process" 2>/dev/null || continue
      known[$shard]=$(lines "$work/run/shards/$shard-of-16")
      if [ "${known[$shard]}" -lt "$each" ]; then
        disturbed+="$shard "
        picked=$shard
        return
      fi
      kill -CONT "$process"
    done
    sleep 0.02
  done
  fail "no task computes"
}
go_on() { kill -CONT "$process" 2>/dev/null || true; }
# Waits until a command prints what is expected.
until_is() {
  local expected=$1
  shift
  for _ in $(seq 600); do
    [[ $("$@" 2>/dev/null) == $expected ]] && return
    sleep 0.1
  done
  fail "$*: not $expected"
}
restarts() { scontrol -o show job "${array}_$1" | sed 's/.*Restarts=\([0-9]*\).*/\1/'; }

# scancel repeats what was done already when the task requeues itself meanwhile.
pick; limit=$picked; timeout 3 scancel --batch --signal=USR1 "${array}_$picked" || true; go_on
pick; killed=$picked; kill -KILL "$process"
pick; preempted=$picked
node=$(squeue -h -r -o %N -j "${array}_$picked")
sbatch --partition=high --nodelist="$node" --exclusive --output=/dev/null --wrap="sleep 1" >/dev/null
until_is 1 restarts "$preempted"
go_on
pick; lost=$picked
node=$(squeue -h -r -o %N -j "${array}_$picked")
scripts/slurm-lab.sh crash "$work/lab" "$node"
until_is "down*" sinfo -h -n "$node" -p low -o %T
scripts/slurm-lab.sh back "$work/lab" "$node"
echo "time limit: shard $limit; killed: $killed; preempted: $preempted; lost with node $node, which crashed: $lost"

# Until nothing is in the queue.
drain() {
  for _ in $(seq 1200); do
    [ -n "$(squeue --me -h)" ] || return 0
    sleep 0.1
  done
  squeue --me
  fail "the queue does not become empty"
}
drain
log="$work/run/slurm/logs/merge.log"
grep -q "of 16 shards is not complete: $killed\$" "$log" || fail "the merge does not name shard $killed: $(cat "$log")"
if "$program" slurm status "$work/run" >"$work/status"; then fail "status 0 where a shard is missing"; fi
cat "$work/status"
grep -q "^failed .* 1  $killed\$" "$work/status" || fail "the failed shard is not told"
"$program" slurm submit "${spec[@]}" --out "$work/run" --shards 16 --sbatch "--ntasks=1 --mem=100" | tee "$work/second"
grep -q "shards $killed\$" "$work/second" || fail "another shard than $killed is submitted again"
drain
for file in run.json people.json records.jsonl evidence-likelihood.jsonl evidence-label.jsonl; do
  cmp "$work/whole/$file" "$work/run/$file" || fail "$file differs"
done
# Every later start begins behind what is recorded, whoever ended the one before it: no note has fewer records than the one
# before it, and what was there when a task was disturbed is where its next start begins at the least.
for shard in $(seq 16); do
  sed 's/.*"recorded":\([0-9]*\).*/\1/' "$work/run/shards/$shard-of-16/sessions.jsonl" | sort -nc ||
    fail "shard $shard was begun anew"
done
least=16
for shard in $disturbed; do
  notes="$work/run/shards/$shard-of-16/sessions.jsonl"
  # A batch that was in flight may have been the last: whoever lets it end leaves nothing to begin again with.
  if grep -q '"session":1,"event":"complete"' "$notes"; then
    echo "shard $shard ended with the batch in flight"
    continue
  fi
  least=$((least + 1))
  began=$(grep '"started"' "$notes" | sed -n '2s/.*"recorded":\([0-9]*\).*/\1/p')
  [ "${began:-0}" -ge "${known[$shard]}" ] ||
    fail "shard $shard had ${known[$shard]} records when it was disturbed and began again with ${began:-none}"
done
[ "$least" -ge 18 ] || fail "nearly all shards ended with the batch in flight: give more PEOPLE than ${PEOPLE:-160}"
starts=$(grep -h '"started"' "$work"/run/shards/*/sessions.jsonl | wc -l)
[ "$starts" -ge "$least" ] || fail "$starts starts where 16 shards were disturbed $((least - 16)) times before they ended"
echo "Slurm: the same bytes after $starts starts of 16 shards"
