#!/bin/bash
# Histograms of a whole run: all of its files of events and of energies in, one histogram out.
# Arguments as in run_event.sh, where they are explained.
outbase=${2}
logbase=${3}
run=${4}
seg=${5}
build=${7}
dbtag=${8}
inputs=${9}
logdir=${12#file:}
histdir=${14}

report="./cups.py -r ${run} -s ${seg} -d ${outbase}"

keep_log() {
  mkdir -p "${logdir}"
  mv "${logbase}".out "${logbase}".err "${logdir}"/ 2> /dev/null
}
trap keep_log EXIT
trap '${report} finished -e 255; exit 255' TERM INT

{
  echo "run ${run} with ${build} ${dbtag}"

  if [[ ${inputs} == *dbinput* ]]; then
    ${report} getinputs > inputfiles.list || exit 20
  else
    tr ',' '\n' <<< "${inputs}" > inputfiles.list
  fi

  mapfile -t files < inputfiles.list
  ${report} running

  # Here a real script calls its macro. Ours counts the energies in bins of 250; an event that was built and has no
  # energy (or the other way round) makes it fail.
  awk -v run="${run}" '
    FNR == 1 { isEnergy = FILENAME ~ /\/DST_CALOR_/; next }
    !isEnergy { built++; next }
    {
      entries++
      sum += $3
      bin = int($3 / 250)
      count[bin]++
      if (bin > last) last = bin
    }
    END {
      printf "#hist 1 run=%d events=%d built=%d sum=%d\n", run, entries, built, sum
      for (bin = 0; bin <= last; bin++) print bin * 250, count[bin] + 0
      exit entries == built ? 0 : 3
    }' "${files[@]}" > "${logbase}.root"
  status=$?

  if [[ ${status} -eq 0 ]]; then
    ./stageout.sh "${logbase}.root" "${histdir}" || status=30
    ${report} message "histogram of $(wc -l < inputfiles.list) files" --logsize "$(du -k "${logbase}.out" | cut -f1)"
  else
    ${report} message "events that were built and events with energy differ in number" --error software-fault
  fi
  ${report} finished -e ${status}
} > "${logbase}.out" 2> "${logbase}.err"

exit ${status:-1}
