#!/bin/bash
# Calorimeter reconstruction: one file of events in, one file of energies out.
# Arguments as in run_event.sh, where they are explained.
nevents=${1}
outbase=${2}
logbase=${3}
run=${4}
seg=${5}
outdir=${6}
build=${7}
dbtag=${8}
inputs=${9}
logdir=${12#file:}

report="./cups.py -r ${run} -s ${seg} -d ${outbase}"

keep_log() {
  mkdir -p "${logdir}"
  mv "${logbase}".out "${logbase}".err "${logdir}"/ 2> /dev/null
}
trap keep_log EXIT
trap '${report} finished -e 255; exit 255' TERM INT

{
  echo "run ${run} segment ${seg} with ${build} ${dbtag}"

  if [[ ${inputs} == *dbinput* ]]; then
    ${report} getinputs > inputfiles.list || exit 20
  else
    tr ',' '\n' <<< "${inputs}" > inputfiles.list
  fi

  mapfile -t files < inputfiles.list
  ${report} running

  # Here a real script calls its macro. Ours sums the towers of each event.
  awk -v most="${nevents}" -v run="${run}" -v segment="${seg}" '
    FNR == 1 || (most > 0 && events >= most) { next }
    {
      energy = 0
      for (tower = 3; tower <= NF; tower++) energy += $tower
      line[++events] = $1 " " $2 " " energy
    }
    END {
      printf "#dst 1 run=%d segment=%d events=%d\n", run, segment, events
      for (i = 1; i <= events; i++) print line[i]
    }' "${files[@]}" > "${logbase}.root"
  status=$?

  if [[ ${status} -eq 0 ]]; then
    ./stageout.sh "${logbase}.root" "${outdir}" || status=30
  fi
  ${report} finished -e ${status}
} > "${logbase}.out" 2> "${logbase}.err"

exit ${status:-1}
