#!/bin/bash
# Event building: joins the raw files of all streams, event by event, into one file.
#
# The arguments, in the order in which the rule gives them. Behind them come the submit directory and the list of what
# was staged; the number of the job, the cupsid, is in the environment.
nevents=${1}      # how many events to build; 0: all
outbase=${2}      # DST_EVENT_auau23_ana387_2023p003_v001: what this rule makes
logbase=${3}      # the same with run and segment: what this job makes
run=${4}
seg=${5}
outdir=${6}
build=${7}        # ana.387: argument 7 is the build, always: the wrapper sets the software up by it
dbtag=${8}
inputs=${9}       # the word dbinput: ask for the list; else the files themselves, with commas between
ranges=${10}
neventsper=${11}
logdir=${12}
comment=${13}
histdir=${14}

logdir=${logdir#file:}   # rules write file:///path
# That the job has started is told by the wrapper; a rule with its own executable has to do so: ${report} started
report="./cups.py -r ${run} -s ${seg} -d ${outbase}"

# However the job ends, its log goes where people look for it.
keep_log() {
  mkdir -p "${logdir}"
  mv "${logbase}".out "${logbase}".err "${logdir}"/ 2> /dev/null
}
trap keep_log EXIT
# Told to end (by the batch system, or by hand): say so, and end.
trap '${report} finished -e 255; exit 255' TERM INT

{
  echo "run ${run} segment ${seg} with ${build} ${dbtag}, ${neventsper} events a file, ranges: ${ranges}, comment: ${comment}, histograms: ${histdir}"

  if [[ ${inputs} == *dbinput* ]]; then
    ${report} getinputs > inputfiles.list || exit 20
  else
    tr ',' '\n' <<< "${inputs}" > inputfiles.list
  fi

  # A list of files for each stream, in order: the readout machine is in the name of the file.
  while read -r file; do
    [[ ${file} =~ _([a-z0-9]+)-[0-9]+-[0-9]+\.[a-z]+$ ]] && echo "${file}" >> "${BASH_REMATCH[1]}.list"
  done < <(sort inputfiles.list)
  if [[ ! -s gl1daq.list ]]; then
    ${report} message "no trigger file among the inputs" --error no-gl1-files
    ${report} finished -e 1
    exit 1
  fi

  streams=(seb*.list)
  mapfile -t triggers < gl1daq.list
  mapfile -t fragments < <(cat "${streams[@]}")
  ${report} running

  # Here a real script calls its macro: root -q -b 'Fun4All_EventBuilder.C(...)'. Ours is a few lines of awk.
  # Each trigger becomes an event if every stream has a fragment of it. The trigger counts from 1, all others from 0.
  awk -v most="${nevents}" -v run="${run}" -v segment="${seg}" '
    FNR == 1  { isTrigger = /stream=gl1daq/; next }
    isTrigger { clock[$1 - 1] = $2; order[++triggers] = $1 - 1; next }
              { fragments[$1]++; adc[$1] = adc[$1] " " $2 }
    END {
      for (i = 1; i <= triggers && (most == 0 || built < most); i++) {
        event = order[i]
        if (fragments[event] != expected) { incomplete++; continue }
        line[++built] = event " " clock[event] adc[event]
      }
      printf "#dst 1 run=%d segment=%d events=%d incomplete=%d\n", run, segment, built, incomplete
      for (i = 1; i <= built; i++) print line[i]
    }' expected="${#streams[@]}" "${triggers[@]}" "${fragments[@]}" > "${logbase}.root"
  status=$?

  if [[ ${status} -eq 0 ]]; then
    ./stageout.sh "${logbase}.root" "${outdir}" || status=30
  fi
  ${report} finished -e ${status}
} > "${logbase}.out" 2> "${logbase}.err"

exit ${status:-1}
