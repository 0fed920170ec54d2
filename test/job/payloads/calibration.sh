#!/usr/bin/bash -f
# In the style of the pi0 and MBD calibrations: an option that was never there, several messages, a renamed output.
logbase=${6} outbase=${7} runnumber=${2} segment=${4} outdir=${8}
./cups.py -r ${runnumber} -s ${segment} -d PI0_CALIB --dstfile ${logbase} started
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} message "Running PASS 1 calibration (hardcoded 100k events)"
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} running
echo event > pass.root
./cups.py -r ${runnumber} -s ${segment} -d none --dstfile ${logbase} finished -e 0
./stageout.sh pass.root ${outdir} DST_MBD_run2pp_new_2024p001-00042101-00000.root
exit
