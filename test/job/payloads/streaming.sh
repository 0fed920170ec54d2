#!/usr/bin/bash
# In the style of the streaming event builders: logs straight into the log directory, lists by subsystem, stageout.sh
# found on the PATH by the "framework", inputs told.
nevents=${1} outbase=${2} logbase=${3} runnumber=${4} segment=${5} outdir=${6} dbtag=${8}
inputs=(`echo ${9} | tr "," " "`)
logdir=${12:-.}
histdir=${14:-.}
{
export ODBCINI=./odbc.ini
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} started
if [[ "${9}" == *"dbinput"* ]]; then
   ./cups.py -r ${runnumber} -s ${segment} -d ${outbase} getinputs >> inputfiles.list
else
   for i in ${inputs[@]}; do echo $i >> inputfiles.list; done
fi
inputlist=""
while read -r f; do
   b=$( basename $f )
   if [[ $b =~ "GL1_physics" ]]; then echo ${f} >> gl1.list; fi
   if [[ $b =~ "physics_intt" ]]; then l=${b#*physics_}; echo ${f} >> ${l%%-*}.list; fi
   inputlist="${f} ${inputlist}"
done < inputfiles.list
touch gl1.list intt0.list intt1.list
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} inputs --files ${inputlist}
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} running
status=0
for n in 0 1; do
   out=${outbase}-$(printf "%08d" ${runnumber})-$(printf "%05d" ${n}).root
   cat $(cat gl1.list) > ${out} || status=1
   PRODTYPE=many stageout.sh ${out} ${outdir}
done
echo histogram > HIST_QA_run2pp_new_2024p007-$(printf "%08d" ${runnumber})-00000.root
./cups.py -v -r ${runnumber} -s ${segment} -d ${outbase} finished -e ${status} --nevents 0 --inc
mv HIST_*.root ${histdir}
rm -f *.root *.list
ls -la
logsize=$( du -s ${logdir#file:/}/${logbase}.out | awk '//{ print $1 }' )
./cups.py -v -r ${runnumber} -s ${segment} -d ${outbase} message "Normal termination" --flag 0 --logsize ${logsize}
} >& ${logdir#file:/}/${logbase}.out
