#!/usr/bin/env bash
# A throw-away Slurm of two nodes on this machine's loopback, as root, without systemd.
#
# usage: scripts/slurm-lab.sh up DIR | down DIR | crash DIR NODE | back DIR NODE
# then:  export SLURM_CONF=DIR/slurm.conf
#
# Jobs go to the partition `low`; one in `high` puts them back into the queue where it needs their place. `crash` ends the
# daemon of a node and everything that it runs at once, as a machine that loses power does; `back` starts it again.
#
# Needs Debian's slurmctld, slurmd, slurm-client and munge. A requeued job may start after 6 seconds (cred_expire) in place
# of two minutes, and a lost node is noticed after 10.
set -euo pipefail
command=${1:?up, down, crash or back} dir=${2:?a folder} node=${3:-}

up() {
  mkdir -p "$dir"/{munge,log,spool/ctld,spool/n1,spool/n2}
  chmod 755 "$dir" "$dir/munge"
  [ -s "$dir/munge/munge.key" ] ||
    (umask 077 && dd if=/dev/urandom of="$dir/munge/munge.key" bs=1 count=1024 status=none)
  local port=${SLURM_LAB_PORT:-17817}
  cat >"$dir/slurm.conf" <<CONF
ClusterName=lab
SlurmctldHost=localhost
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/munge.socket,cred_expire=5
CredType=cred/munge
SlurmctldPort=$port
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
StateSaveLocation=$dir/spool/ctld
SlurmdSpoolDir=$dir/spool/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdTimeout=10
KillWait=5
MaxArraySize=${SLURM_LAB_ARRAY:-1001}
JobRequeue=1
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=2 RealMemory=4000 State=UNKNOWN
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=2 RealMemory=4000 State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=low Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=high Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
CONF
  export SLURM_CONF="$dir/slurm.conf"
  munged --force --num-threads=1 --key-file="$dir/munge/munge.key" --socket="$dir/munge/munge.socket" \
    --pid-file="$dir/munge/munged.pid" --log-file="$dir/munge/munged.log" --seed-file="$dir/munge/munged.seed"
  slurmctld
  slurmd -N n1
  slurmd -N n2
  for _ in $(seq 300); do
    [ "$(sinfo -h -N -p low -o %T 2>/dev/null | grep -c '^idle$')" = 2 ] && return
    sleep 0.1
  done
  echo "error: the nodes do not come up" >&2
  tail -n 20 "$dir"/log/*.log >&2
  exit 1
}

down() {
  local file
  for file in slurmd-n1.pid slurmd-n2.pid slurmctld.pid munge/munged.pid; do
    if [ -s "$dir/$file" ]; then kill "$(cat "$dir/$file")" 2>/dev/null || true; fi
  done
}

# A process and all that it started, the youngest last.
family() {
  local child
  echo "$1"
  for child in $(pgrep -P "$1"); do family "$child"; done
}

crash() {
  export SLURM_CONF="$dir/slurm.conf"
  local job step doomed
  doomed=$(cat "$dir/slurmd-${node:?a node}.pid")
  # Steps are no children of the daemon. Their names say which job they are of.
  for job in $(squeue -h -w "$node" -t running -O JobID:20); do
    for step in $(pgrep -f "^slurmstepd: \[$job\."); do doomed+=" $(family "$step")"; done
  done
  kill -KILL $doomed
}

back() {
  export SLURM_CONF="$dir/slurm.conf"
  slurmd -N "${node:?a node}"
}

case $command in
  up | down | crash | back) "$command" ;;
  *) echo "error: up, down, crash or back" >&2; exit 2 ;;
esac
