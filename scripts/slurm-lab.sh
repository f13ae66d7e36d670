#!/usr/bin/env bash
# A throw-away Slurm of two nodes on this machine's loopback, as root, without systemd.
#
# usage: scripts/slurm-lab.sh up DIR | down DIR
# then:  export SLURM_CONF=DIR/slurm.conf
#
# Needs Debian's slurmctld, slurmd, slurm-client and munge. A requeued job may start after 6 seconds (cred_expire) in place
# of two minutes, and a lost node is noticed after 10.
set -euo pipefail
command=${1:?up or down} dir=${2:?a folder}

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
PartitionName=debug Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONF
  export SLURM_CONF="$dir/slurm.conf"
  munged --force --num-threads=1 --key-file="$dir/munge/munge.key" --socket="$dir/munge/munge.socket" \
    --pid-file="$dir/munge/munged.pid" --log-file="$dir/munge/munged.log" --seed-file="$dir/munge/munged.seed"
  slurmctld
  slurmd -N n1
  slurmd -N n2
  for _ in $(seq 300); do
    [ "$(sinfo -h -N -o %T 2>/dev/null | grep -c '^idle$')" = 2 ] && return
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

case $command in
  up | down) "$command" ;;
  *) echo "error: up or down" >&2; exit 2 ;;
esac
