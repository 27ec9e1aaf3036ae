"""Every reason code perdure can give, once: what it means and what a person does about it.

Codes are stable: they are stored in published tables and tested against; a code is retired, never reused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["file", "row", "plate", "tube", "call", "response", "metric", "usage"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: `code` is stored, `meaning` explains it, `remedy` says what to do."""

    code: str
    kind: Kind
    meaning: str
    remedy: str = ""


_FILE: Final = (
    Reason("accepted.whole", "file", "Every row of it came in."),
    Reason("accepted.partly_superseded", "file", "It came in, but for rows of which a later file says something newer."),
    Reason("duplicate.same_bytes", "file", "The same bytes are already in the archive under another name.", "Nothing to do; one copy may be deleted."),
    Reason("duplicate.same_values", "file", "Other bytes, but every value in it is already held.", "Nothing to do."),
    Reason("ignored.temporary_file", "file", "A temporary, hidden or lock file of an office program, editor or sync job.", "Nothing to do."),
    Reason("ignored.dismissed", "file", "A person decided that this file is not to be used.", "Nothing to do; `perdure quarantine release` takes it back."),
    Reason("superseded.newer_export", "file", "A later export of the same plate or rows has replaced it; its rows live on in earlier versions.", "Nothing to do."),
    Reason("superseded.older_export", "file", "It arrived after a later export of the same plate, by the instrument's read date.", "Nothing to do."),
    Reason("superseded.replaced_in_inbox", "file", "It was held back, and the file at its place in the inbox has since been replaced.", "Nothing to do."),
    Reason("conflict.same_plate", "file", "Another file holds other counts for the same plate.", "Say which one is right with `perdure quarantine release`, or set corrections.plates = \"newest\" in study.toml."),
    Reason("format.unrecognised", "file", "The content is that of no instrument or table perdure reads.", "Export it in a supported format (docs/formats.md), or dismiss it."),
    Reason("format.reader_failed", "file", "perdure itself failed on this file; its log has the traceback.", "Report it with the file, if it may be shared; the file is tried again after an upgrade."),
    Reason("format.empty", "file", "The file has no content.", "Export it again; the copy may have been cut short."),
    Reason("format.workbook", "file", "The workbook cannot be opened: damaged, encrypted, or no workbook at all.", "Save it again as .xlsx without a password."),
    Reason("aid.header", "file", "A header line of an AID export is missing or cannot be read.", "Export the plate again from the AID software."),
    Reason("aid.count_grid", "file", "The grid of spot counts is missing, cut short, doubled, or has a row of another width.", "Export the plate again; do not edit the text by hand."),
    Reason("aid.count_token", "file", "A cell of the count grid is neither a count, TNTC nor `--`.", "Export the plate again; do not edit the text by hand."),
    Reason("zeiss.header", "file", "The plate name, the order of the parts or the read date of a Zeiss KS ELISPOT export is missing or cannot be read.", "Give the plate a title in the KS ELISPOT software and export it again."),
    Reason("zeiss.count_grid", "file", "The grid under `Quantity` is missing, cut short, has a cell that is no count, or does not add up to its own sums.", "Export the plate again; do not edit the text by hand."),
    Reason("mabtech.plate", "file", "A Mabtech workbook has no plate name or several, or a read date that cannot be read.", "Export the plate again from the Apex software, one plate a workbook."),
    Reason("mabtech.columns", "file", "The sheet of wells of a Mabtech workbook lacks a column, or has one twice.", "Export the plate again; do not remove or rename columns."),
    Reason("mabtech.well", "file", "A row of a Mabtech workbook has a well, population, count or mask that cannot be read.", "Export the plate again; do not edit the workbook by hand."),
    Reason("mabtech.wells", "file", "Wells of a Mabtech workbook are missing, stand twice, or differ from the grid of counts beside them: it is cut short or edited.", "Export the plate again; do not edit the workbook by hand."),
    Reason("ctl.header", "file", "A header line of a CTL ImmunoSpot export is missing or cannot be read, or a sheet of it is none.", "Export the plate again from the ImmunoSpot software."),
    Reason("ctl.count_grid", "file", "The grid of spot counts of a CTL export is missing, cut short or doubled, or its cells are not where its other grids say.", "Export the plate again; do not edit the export by hand."),
    Reason("ctl.count_token", "file", "A cell of the count grid of a CTL export is neither a count, nor TNTC, nor a number its legend explains.", "Export the plate again; do not edit the export by hand."),
    Reason("sentinel.undeclared", "file", "Wells hold a number below zero, and neither the file nor study.toml says what it means.", "Say it in study.toml under elispot.sentinels."),
    Reason("long_csv.plate", "file", "A long CSV gives one plate two read dates or repeats a well.", "Give every plate one read date and every well and analyte one row."),
    Reason("flowjo.table", "file", "A FlowJo table has no column of samples, a statistic twice, or a cell that is no number.", "Export the table again from FlowJo, with one row a sample and the statistic Count."),
    Reason("facsdiva.table", "file", "A FACSDiva export of populations lacks a column or a tube, or holds a number that cannot be read.", "Export the statistics or the experiment again from FACSDiva."),
    Reason("cytobank.table", "file", "A Cytobank export lacks its file names, its populations or its event counts, or holds a number that cannot be read.", "Export the statistics again from Cytobank, with event counts."),
    Reason("cytometry_csv.table", "file", "A long CSV of populations lacks a column, repeats a population of a sample, or holds a number that cannot be read.", "Give every sample and population one row (docs/formats.md)."),
    Reason("workspace.damaged", "file", "A workspace is no whole XML document, or lacks what every sample has.", "Save the workspace again from FlowJo; the copy may have been cut short."),
    Reason("workspace.version", "file", "A workspace of a version perdure does not know.", "Save it from FlowJo 10 as .wsp, or export its table."),
    Reason("workspace.no_samples", "file", "A workspace without a single sample.", "Add the samples in FlowJo and save it, or dismiss it."),
    Reason("gating.no_counts", "file", "A file of gates that stores no counts and that perdure cannot apply (LabKey script, FACSDiva template).", "Export the populations with their counts, or the gates as Gating-ML 2.0; else dismiss it."),
    Reason("gating.damaged", "file", "A Gating-ML file is no whole XML document, or holds a gate that cannot be read.", "Export the gates again as Gating-ML 2.0."),
    Reason("fcs.header", "file", "The header of an FCS file is cut short, or names no segment that is there.", "Copy the file again from the cytometer; if it is so there, export it anew."),
    Reason("fcs.version", "file", "An FCS version perdure does not read.", "Export the file as FCS 3.1."),
    Reason("fcs.text", "file", "The TEXT segment of an FCS file cannot be read: no delimiter, a key without value, or one key with two values.", "Export the file again from the cytometer's software."),
    Reason("fcs.keyword", "file", "A keyword an FCS file cannot do without is missing or has no possible value.", "Export the file again from the cytometer's software."),
    Reason("fcs.mode", "file", "The file holds histograms ($MODE C or U), not lists of events.", "Export the events in list mode."),
    Reason("fcs.data", "file", "The DATA segment of an FCS file does not hold the events its keywords declare: truncated, of another width, or in two places that fit alike.", "Copy the file again; a truncated acquisition must be exported anew."),
    Reason("fcs.data_type", "file", "The events are stored in a way perdure does not decode (ASCII, a mixed byte order, values narrower than 4 or wider than 64 bits).", "Export the file as FCS 3.1 with floating-point data."),
    Reason("layout.missing", "file", "No plate layout says what was in the wells of this plate.", "Add the plate to a plate-layout table, or to plate_templates, in the inbox; the file is tried again on the next run."),
    Reason("table.missing_column", "file", "A reference table lacks a column it cannot do without.", "Add the column; `perdure init` writes header-only tables to copy from."),
    Reason("table.repeated_column", "file", "A reference table has one column twice.", "Remove or rename one of them."),
    Reason("table.ambiguous", "file", "The header fits more than one reference table.", "Split it into one file or sheet a table."),
    Reason("table.empty", "file", "A table with a header and no rows.", "Fill it in, or remove it from the inbox and dismiss it."),
    Reason("sdtm.variables", "file", "An SDTM dataset lacks a variable its domain cannot do without, mixes domains, or has responses by other criteria than the study's only.", "Export the whole domain, one a file."),
    Reason("sdtm.domain", "file", "An SDTM domain of which perdure reads nothing (it reads DM, EX, RS, TR, TU, DS, LB), or whose rows say nothing to it.", "Dismiss it, or see docs/formats.md for what each domain gives."),
    Reason("sdtm.treatment", "file", "EX names treatments, and none of them is declared as the infusion or the lymphodepletion.", "Name them in study.toml under clinical.sdtm.infusion_treatments."),
    Reason("sdtm.subject", "file", "clinical.sdtm.subject_pattern finds no subject in USUBJID, or one and the same in two of them.", "Correct the pattern in study.toml: it has to find the subject as specimens name it."),
    Reason("xpt.damaged", "file", "A SAS transport file (XPT) cannot be read.", "Export it again as XPT version 5 or 8, or as CSV."),
    Reason("redcap.unmapped", "file", "A REDCap export of which study.toml maps no row.", "Say under [[clinical.redcap]] in study.toml which instrument and fields fill which table."),
    Reason("redcap.field", "file", "A field, instrument or event that [[clinical.redcap]] names is not in the export, or another one than the rows are of.", "Correct its name in study.toml, or export that field too."),
    Reason("redcap.rows", "file", "A row of a REDCap export has more cells than the header has fields: which is which is open.", "Export it again from REDCap; do not edit it by hand."),
    Reason("expectation.critical", "file", "A critical expectation failed: too many rows of this file broke the same rule.", "Mend the rows listed under rejects and drop the file again, or release it."),
)  # fmt: skip

_ROW: Final = (
    Reason("row.unreadable", "row", "The text cannot be read as the column's type.", "Write numbers plainly and dates as YYYY-MM-DD."),
    Reason("row.ambiguous_date", "row", "Day and month cannot be told apart.", "Write YYYY-MM-DD, or set dates.order in study.toml."),
    Reason("row.partial_date", "row", "The date has no day, or no month.", "Write the whole date, or set dates.partial = \"middle\" in study.toml, which takes the middle and marks it."),
    Reason("row.not_used", "row", "The row is about something no table of perdure holds.", "Nothing to do; docs/formats.md says what is taken from this format."),
    Reason("row.required", "row", "A value that must be there is missing.", "Fill it in."),
    Reason("row.filled_exactly_when", "row", "A value stands where there should be none, or the other way round.", "A count has a number exactly when its status is counted."),
    Reason("row.allowed_values", "row", "The value is none of those allowed.", "Use one of the allowed values (docs/data-dictionary.md)."),
    Reason("row.range", "row", "The number is outside what is possible.", "Check the unit and the typing."),
    Reason("row.pattern", "row", "The text does not have the form the column needs.", "See docs/data-dictionary.md for the form."),
    Reason("row.order", "row", "Two dates or numbers are in an impossible order.", "Check which of the two is wrong."),
    Reason("row.not_equal", "row", "Two columns that must agree do not.", "Check which of the two is wrong."),
    Reason("row.width", "row", "The line has more cells than the header has columns.", "Quote text that holds the separator."),
    Reason("row.undeclared", "row", "The value is not declared in study.toml.", "Declare it (or an alias) in study.toml, or correct the table."),
    Reason("row.unknown_reference", "row", "It points to a row of another table that is not there.", "Add the other row; this one is tried again on the next run."),
    Reason("row.repeated_key", "row", "The same key stands twice in one file with the same values.", "Remove the repetition."),
    Reason("row.conflicting_key", "row", "The same key stands twice with different values, here or in another file.", "Say which is right: correct the table, release the file, or set corrections.reference_tables = \"newest\"."),
    Reason("row.sheet_unrecognised", "row", "A sheet of a workbook holds no table perdure knows.", "Move it to a workbook of its own or name its columns as in the template."),
)  # fmt: skip

_PLATE: Final = (
    Reason("layout.well_without_layout", "plate", "The instrument counted a well of which no layout says what was in it.", "Add the well to the plate's layout, or name it as unused."),
    Reason("layout.well_without_count", "plate", "A layout says that the well held a test, but the instrument has no count of it.", "Check the plate's name and the layout; export the plate again if wells are missing."),
    Reason("layout.sources_disagree", "plate", "Two layouts say different things about a well; the table goes before the template, and that before the instrument.", "Correct the one that is wrong."),
    Reason("layout.donor_unknown", "plate", "A donor entered at the instrument is the name of no specimen.", "Name the wells in a plate-layout table; donors are never guessed from."),
    Reason("layout.stimulus_unknown", "plate", "A stimulus entered at the instrument is not declared in study.toml.", "Declare it, or an alias, in study.toml, or name the wells in a plate-layout table."),
    Reason("layout.cells_unknown", "plate", "A layout names specimen and stimulus of a well, but none says how many cells it holds; the well is not used.", "Give `cells_per_well` in layout_templates or plate_templates, or name the wells in a plate-layout table."),
    Reason("layout.slot_unknown", "plate", "A specimen is assigned to a slot that the template does not have, so it is in no well.", "Correct the slot or the template in plate_templates, or add the slot to layout_templates."),
    Reason("layout.specimen_on_several_plates", "plate", "A specimen was tested against the same antigen on more than one plate; the latest read is reported.", "Nothing to do if it was repeated; else correct the layout that names the wrong specimen."),
    Reason("layout.no_control", "plate", "An antigen has no negative control of its specimen, analyte and vehicle on its plate.", "Correct the layout, or name the control in study.toml; without one there is no call."),
    Reason("layout.control_ambiguous", "plate", "Wells of one antigen and specimen on one plate name different negative controls.", "Correct the layout's column `control`."),
    Reason("layout.analyte_twice", "plate", "elispot.analytes gives two counts of this plate the same analyte; both keep the name the export gives them.", "Map only one of them in study.toml."),
)  # fmt: skip

_TUBE: Final = (
    Reason("tube.unmatched", "tube", "Nothing says which specimen this sample is of.", "Add the tube to cytometry_tubes, or name keywords or a file name under cytometry.match in study.toml."),
    Reason("tube.ambiguous", "tube", "The sample fits several tubes or batches, and nothing it is told tells them apart.", "Give the tubes a `batch` in cytometry_tubes that the export names as plate, group, kept keyword or folder."),
    Reason("tube.twice_in_file", "tube", "Several samples of one file are the same tube; none of them is used.", "Remove the sample that is in the workspace twice, or give each a tube of its own in cytometry_tubes."),
    Reason("tube.specimen_unknown", "tube", "A keyword or file name gives a specimen that is in no table of specimens.", "Add the specimen, or correct the pattern or keyword in study.toml."),
    Reason("tube.stimulus_unknown", "tube", "A keyword or file name gives a stimulus that study.toml does not declare.", "Declare it, or an alias, in study.toml."),
    Reason("tube.no_stimulus", "tube", "The sample has a specimen and no stimulus, and is no tube stained with multimers: study.toml declares none, or says where a stimulus stands and there is none there.", "Give the stimulus in cytometry_tubes or by cytometry.match; a tube with multimers has a row in cytometry_tubes without a stimulus."),
    Reason("tube.specimen_in_several_batches", "tube", "A specimen was stained in more than one batch; the latest acquired is reported.", "Nothing to do if it was repeated."),
    Reason("tube.no_control", "tube", "A stimulated tube has no unstimulated tube of its specimen and batch.", "Correct cytometry_tubes; without one there is no call."),
    Reason("tube.same_fcs_file", "tube", "Two tubes rest on FCS files of one name, number of events and day of acquisition: the same cells may count twice.", "Give both samples one row in cytometry_tubes, or leave it if they are two acquisitions."),
    Reason("tube.sources_disagree", "tube", "cytometry_tubes, keywords and file name give a sample different specimens or stimuli; the table goes before keywords, and these before the name.", "Correct the one that is wrong."),
    Reason("tube.acquired_before_collection", "tube", "The sample was acquired before the day its specimen was collected; it is used all the same.", "Correct the specimen's date, or what matches the sample to the specimen."),
    Reason("tube.gated_apart", "tube", "Counts of a stimulated tube and of its control come from files of different software or times of saving, so perhaps from different gates.", "Export both tubes from one workspace, or leave it."),
    Reason("population.unmapped", "tube", "study.toml does not say which population this path of gates is; it is kept and not used.", "Add the path under [[cytometry.populations]], cytometry.markers or [[cytometry.multimers]], or leave it."),
    Reason("population.twice", "tube", "Two paths of one sample are the same population under study.toml; neither is used.", "Spell the paths so that only one of them fits."),
    Reason("population.counts_differ", "tube", "Files give one population of a tube different counts; the one saved last is used, unless corrections.cytometry is \"hold\".", "Dismiss the file that is wrong, or leave it."),
    Reason("population.paths_differ", "tube", "Tubes of one specimen and batch count one population at different paths of gates, so perhaps different cells.", "Gate all tubes alike, or spell out the whole path under [[cytometry.populations]]."),
    Reason("count.impossible", "tube", "A population holds more events than the one it lies in; its count is not used.", "Export the sample again from a workspace that was computed anew."),
    Reason("count.percent_only", "tube", "A table gives percentages without counts; they are kept, and no call can rest on them.", "Export the table again with the statistic Count."),
    Reason("count.never_computed", "tube", "The workspace stores -1: this population was never computed.", "Open the workspace in FlowJo with its FCS files, let it compute, and save it."),
    Reason("count.stale", "tube", "The file stores 0 for all events of a sample that has some, or fewer events for a population than for one inside it: these counts are stale.", "Open the workspace in FlowJo with its FCS files, let it compute, and save it."),
    Reason("gating.fcs_ambiguous", "tube", "Several FCS files could be this sample of the workspace; it was not counted again.", "Name plate, experiment or batch so that one of them fits."),
    Reason("gating.fcs_differs", "tube", "The FCS file of that name holds another number of events than the workspace says; it was not counted again.", "Put the FCS file the workspace was made from into the inbox."),
    Reason("gating.unsupported", "tube", "The gate, transformation or compensation is of a kind that cannot be applied.", "Rely on the stored count, or export the gate as Gating-ML 2.0."),
    Reason("gating.failed", "tube", "perdure could not count it again this time (no memory left, a file of the archive that cannot be read, a process that ended).", "It is tried again on the next run; the log says what went wrong."),
    Reason("gating.channel_missing", "tube", "A gate is drawn on a channel the FCS file does not have.", "Check that workspace and FCS file belong together."),
    Reason("gating.disagrees", "tube", "The stored count and the one made again from the FCS file differ beyond the tolerance of the gate's type.", "Check workspace version and FCS file; see the table gate_agreement."),
    Reason("acquisition.failed", "tube", "An acquisition measure of the FCS file is beyond its limit.", "Look at the tube's time plot; exclude the tube or leave it."),
)  # fmt: skip

_CALL: Final = (
    Reason("no_negative_control", "call", "No evaluable well of the antigen's negative control with the same specimen, plate and analyte."),
    Reason("control_ambiguous", "call", "The wells of the antigen name different negative controls."),
    Reason("negative_control_high", "call", "The mean of the negative control is above the quality limit."),
    Reason("no_positive_control", "call", "No evaluable positive-control well of the same specimen, plate and analyte, or tube of the same specimen, batch and population."),
    Reason("positive_control_low", "call", "The positive control is too close to the negative control."),
    Reason("too_few_replicates", "call", "Too few evaluable replicate wells for the rule."),
    Reason("few_replicates", "call", "Fewer evaluable replicates than planned, yet enough for the rule."),
    Reason("replicate_variability", "call", "The replicate wells disagree beyond the quality limit."),
    Reason("low_viability", "call", "The viability of the specimen is below the quality limit."),
    Reason("below_lod", "call", "The rule gave positive but the net response is below its limit of detection."),
    Reason("tntc", "call", "Wells too numerous to count leave the call open."),
    Reason("unequal_cells", "call", "Antigen and control wells hold different numbers of cells."),
    Reason("too_few_relabelings", "call", "So few relabelings of the wells exist (fewer than 20, or than 1 / alpha) that no p-value can reach alpha."),
    Reason("too_many_relabelings", "call", "More relabelings of the wells exist than the setting rules.dfr_eq.max_relabelings allows."),
    Reason("percent_only", "call", "Only percentages without counts are there, which cannot be tested."),
    Reason("count_missing", "call", "A tube has no count of the population or the readout: never computed, stale or not exported."),
    Reason("counts_conflict", "call", "Files give different counts for a tube of it, and corrections.cytometry is \"hold\"."),
    Reason("too_few_events", "call", "Fewer events of the population than the rule needs."),
    Reason("no_fit", "call", "Too few specimens for a mixture, or none was fitted for this antigen, population, readout and visit."),
    Reason("outside_fit", "call", "The stimulated percentage is larger than any the mixture rests on, and it cannot tell what that means; re-estimate it (perdure run --re-estimate)."),
    Reason("weak_fit", "call", "The mixture is weakly identified: it did not converge, or a parameter runs away."),
    Reason("hla_mismatch", "call", "The subject is typed and does not have the HLA allele of the multimer."),
    Reason("hla_unknown", "call", "The table hla_typing does not say whether the subject has the HLA allele of the multimer."),
    Reason("acquisition_failed", "call", "An acquisition measure of one of the tubes is beyond its limit."),
    Reason("gate_disagreement", "call", "A stored count of one of the tubes disagrees with the re-gated one."),
    Reason("too_many_resamples", "call", "More pairs of resampled means exist than the setting rules.dfr_2x.max_resamples allows."),
)  # fmt: skip

_RESPONSE: Final = (
    Reason("recist.no_baseline", "response", "No lesion was measured on or before day 0, so there is nothing to compare with."),
    Reason("recist.no_lesions", "response", "No lesion was assessed at this date."),
    Reason("recist.unknown_lesion", "response", "A measured lesion is not in the table lesions under this evaluator, so it counts for nothing.", "Add the lesion, or correct its name or evaluator."),
    Reason("recist.before_day_0", "response", "The assessment is from on or before day 0 and is not the baseline."),
    Reason("recist.baseline_incomplete", "response", "A target lesion has no diameter on or before the day of the baseline, so it is no target from day 0 on.", "Give the diameter it had before day 0, or leave it."),
    Reason("recist.baseline_older", "response", "A target lesion has no diameter in the assessment that is the baseline; its latest earlier one is in the sum at baseline.", "Give the days of one baseline assessment one `visit`; record a lesion that was taken out as `absent`."),
    Reason("recist.baseline_absent", "response", "A target lesion was gone by the baseline, as one that was taken out before the infusion; it is no target from day 0 on."),
    Reason("recist.absent_is_back", "response", "A lesion that was gone at baseline is recorded as there. It is in no sum and no progression, but the response is not complete.", "Ask the evaluator; a new lesion is recorded under a name of its own as `new`."),
    Reason("recist.nothing_at_baseline", "response", "Every lesion of the baseline was gone already then, so there is nothing a response could be judged from."),
    Reason("recist.target_progression", "response", "A target lesion without a diameter is recorded as unequivocally progressed."),
    Reason("recist.new_lesion_told_later", "response", "An equivocal new lesion, which a later assessment shows to be real: under RECIST 1.1 progression is dated here."),
    Reason("recist.targets_missing", "response", "A target lesion was not assessed, and the others do not show progression."),
    Reason("recist.not_evaluable", "response", "The non-target lesions were not all assessed."),
    Reason("recist.new_lesion", "response", "A new lesion makes it progression."),
    Reason("recist.non_target_progression", "response", "Unequivocal progression of non-target lesions makes it progression."),
    Reason("recist.reappeared", "response", "A lesion that had disappeared is there again after a complete response."),
    Reason("recist.less_than_5_mm", "response", "The sum grew by 20 % or more above the nadir, but by less than 5 mm: no progression under RECIST 1.1."),
    Reason("recist.non_target_left", "response", "Targets are gone, but non-target lesions are left or were not assessed: PR."),
    Reason("recist.node_left", "response", "The sum is not 0, but only lymph nodes below 10 mm are left: complete response."),
    Reason("recist.node_not_gone", "response", "Only lymph nodes below 10 mm are left: a complete response under RECIST 1.1, none under RECIST 1.0."),
    Reason("differs.not_reported", "response", "The evaluator reported no overall response for this assessment.", "Ask for the report, or leave it."),
    Reason("differs.not_derivable", "response", "There are no lesions from which a response could be derived here.", "Ask for the measurements, or leave it."),
    Reason("differs.baseline", "response", "A response is reported for what the lesions say is the baseline.", "Check the date of the assessment and of the infusion."),
    Reason("differs.accepted_twice", "response", "Two assessors of one evaluator are marked as accepted on this day and say different things; neither leads.", "Mark one of them in `is_accepted`."),
    Reason("differs.reappeared", "response", "A lesion is there again after a complete response, which is progression however small it is; the report does not count it.", "Ask the evaluator."),
    Reason("differs.less_than_5_mm", "response", "Progression is reported, although the sum grew by less than 5 mm, which is none under RECIST 1.1.", "Check response.criteria, or ask the evaluator."),
    Reason("differs.node_not_gone", "response", "Complete response is reported, although lymph nodes below 10 mm are left, which RECIST 1.0 counts as disease.", "Check response.criteria, or ask the evaluator."),
    Reason("differs.absent_is_back", "response", "A lesion that was gone at baseline is recorded as there: no progression and no complete response as long as it is not recorded as new.", "Ask the evaluator; a new lesion is recorded under a name of its own as `new`."),
    Reason("differs.target", "response", "The target response is another one: the sums do not say what was reported.", "Check the measurements of this visit, the baseline and the nadir."),
    Reason("differs.non_target", "response", "The non-target response is another one.", "Check the non-target lesions of this visit."),
    Reason("differs.new_lesion", "response", "Progression by a new lesion or non-target lesions on one side only.", "Check whether the new lesion is recorded, and since when."),
    Reason("differs.not_evaluable", "response", "Only one of the two holds the assessment for evaluable.", "Check whether a lesion is missing from the records."),
    Reason("differs.table", "response", "The parts agree, but the reported overall response is not what they amount to.", "Ask the evaluator."),
    Reason("differs.overall", "response", "The overall responses differ, and the parts were not reported, so that it cannot be told where.", "Ask for target and non-target response."),
)  # fmt: skip

_METRIC: Final = (
    Reason("no_baseline", "metric", "No evaluable baseline sample."),
    Reason("too_few_samples", "metric", "Fewer than two evaluable samples after infusion."),
    Reason("gap_too_long", "metric", "Two samples lie further apart than the setting persistence.auc_max_gap_days allows."),
    Reason("ends_too_early", "metric", "The last sample lies too long before tau or death."),
    Reason("too_few_detected", "metric", "Fewer than three detected samples from the peak on."),
    Reason("not_declining", "metric", "The response does not decline from its peak on."),
    Reason("not_converged", "metric", "The likelihood has no maximum that could be found."),
    Reason("no_event", "metric", "No event among the subjects compared."),
    Reason("separation", "metric", "Exposure and outcome separate completely, so that the model has no finite estimate."),
    Reason("no_sample_in_window", "metric", "No evaluable sample in the landmark's window."),
    Reason("sample_not_evaluable", "metric", "There is a sample in the landmark's window, but its response could not be called."),
    Reason("window_not_reached", "metric", "The subject's follow-up ends before the landmark's window does."),
    Reason("dead", "metric", "The subject died before."),
    Reason("progressed", "metric", "The subject progressed before, and the study stops sampling at progression."),
    Reason("withdrawn", "metric", "The subject withdrew before."),
    Reason("not_assayed", "metric", "The specimen is there, but no accepted plate or tube holds it."),
    Reason("no_cell_count", "metric", "The infusion table gives no number of viable cells."),
    Reason("assay_failed", "metric", "The specimen is there, but no response in it could be evaluated."),
    Reason("unknown", "metric", "Nothing says why the specimen is absent."),
    Reason("not_infused", "metric", "The subject was never infused, so there is no study day."),
    Reason("not_all_antigens_tested", "metric", "No tumour antigen is persistent, but not every declared one could be evaluated."),
    Reason("no_parent_fraction", "metric", "The infusion table does not say how much of the product is the population the response is measured in."),
    Reason("subsets_missing", "metric", "Not every boolean subset of the polyfunctional markers has counts and a fit that can judge them."),
    Reason("no_product_result", "metric", "No evaluable result of the infusion product against the declared stimulus."),
    Reason("no_assessment", "metric", "No tumour assessment after baseline."),
    Reason("not_confirmed", "metric", "A better response was seen but not confirmed, so it did not count."),
    Reason("too_early", "metric", "A stable disease was seen too soon after day 0 to count."),
    Reason("not_estimable", "metric", "The data do not allow this analysis: a group is empty or nothing varies."),
)  # fmt: skip

_USAGE: Final = (
    Reason("study.not_found", "usage", "There is no study.toml in the folder."),
    Reason("study.folder_name", "usage", "The path of the study holds a character that its tables cannot have."),
    Reason("study.syntax", "usage", "study.toml is no valid TOML."),
    Reason("study.invalid", "usage", "A setting in study.toml is missing, unknown or impossible."),
    Reason("study.no_inbox", "usage", "The study folder has no folder `inbox`."),
    Reason("study.ledger_missing", "usage", "Something was published for this study, but its ledger is gone."),
    Reason("study.locked", "usage", "Another run is writing to this study."),
    Reason("prefect.unreachable", "usage", "PREFECT_API_URL names a server that does not answer."),
    Reason("study.exists", "usage", "The folder already holds a study or other files."),
    Reason("study.other_version", "usage", "The published file was written by another version of perdure."),
    Reason("study.not_published", "usage", "Nothing has been published for this study yet."),
    Reason("study.lake_damaged", "usage", "A stored table lacks the version that the ledger names."),
    Reason("query.output", "usage", "The file to write an answer to cannot be written."),
    Reason("export.folder", "usage", "The folder to export to is not empty, or cannot be written."),
    Reason("query.failed", "usage", "DuckDB refused the query."),
    Reason("query.as_of", "usage", "There is no published state as old as that."),
    Reason("quarantine.usage", "usage", "There is no such action, or a decision has no reason."),
    Reason("quarantine.no_such_file", "usage", "No file held back has that name or sha256."),
    Reason("explain.no_such_key", "usage", "No published number has that key."),
)  # fmt: skip

REASONS: Final[dict[str, Reason]] = {
    item.code: item for item in (*_FILE, *_ROW, *_PLATE, *_TUBE, *_CALL, *_RESPONSE, *_METRIC, *_USAGE)
}


def reason(code: str) -> Reason:
    """The declared reason; a KeyError means that code was invented somewhere else than here."""
    return REASONS[code]
