#!/usr/bin/env bash
# `indieval slurm` on a real Slurm of two nodes: 16 shards of which one meets its time limit, one is killed, one is preempted
# and one loses its node. The merged run must be the bytes of one in one piece, and nothing recorded may be computed twice.
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

spec=(--model fake:7 --survey "$root/data/synthetic-respondents.csv" --limit "${PEOPLE:-64}" --methods likelihood,label
  --demonstrations 0,20 --splits 1)
"$program" run "${spec[@]}" --out "$work/whole" --quiet
"$program" slurm submit "${spec[@]}" --out "$work/run" --shards 16 --grace 5 --sbatch "--ntasks=1 --mem=100" | tee "$work/first"
array=$(sed -n 's/^job \([0-9]*\): shards.*/\1/p' "$work/first")

lines() { cat "$1/records.jsonl" 2>/dev/null | wc -l; }
each=$(($(lines "$work/whole") / 16)) # everybody answered everything
# A task that computes, has recorded something and was not disturbed before. Its process is stopped, so that it is still there
# when it is to be disturbed.
disturbed=" "
pick() {
  local shard
  for _ in $(seq 2000); do
    for shard in $(seq 16); do
      case $disturbed in *" $shard "*) continue ;; esac
      [ "$(lines "$work/run/shards/$shard-of-16")" -gt 3 ] || continue
      process=$(pgrep -nf -- "--shard $shard/16 ") && kill -STOP "$process" 2>/dev/null || continue
      if [ "$(lines "$work/run/shards/$shard-of-16")" -lt "$each" ]; then
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
# scancel repeats what was done already when the task requeues itself meanwhile.
pick; limit=$picked; timeout 3 scancel --batch --signal=USR1 "${array}_$picked" || true; go_on
pick; killed=$picked; kill -KILL "$process"
pick; preempted=$picked; scontrol requeue "${array}_$picked"; go_on
pick; lost=$picked
node=$(squeue -h -r -o %N -j "${array}_$picked")
scontrol update "nodename=$node" state=down reason=crash
go_on
echo "time limit: shard $limit; killed: $killed; preempted: $preempted; lost with node $node: $lost"
sleep 1
scontrol update "nodename=$node" state=resume 2>/dev/null || true # it may be back by itself

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
# Every later start begins behind what is recorded: no note has fewer records than the one before it.
for shard in $(seq 16); do
  sed 's/.*"recorded":\([0-9]*\).*/\1/' "$work/run/shards/$shard-of-16/sessions.jsonl" | sort -nc ||
    fail "shard $shard was begun anew"
done
starts=$(grep -h '"started"' "$work"/run/shards/*/sessions.jsonl | wc -l)
[ "$starts" -ge 19 ] || fail "$starts starts where 16 shards were disturbed four times"
echo "Slurm: the same bytes after $starts starts of 16 shards"
