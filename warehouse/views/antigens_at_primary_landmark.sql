-- Grain: one antigen of one subject at the primary landmark under the primary rule, tumour antigens first.
create or replace view antigens_at_primary_landmark as
with
in_force as (
    select assay, population, readout, rule, landmark_day from analysis_in_force
),
declared as (
    select antigen, position from analysis_antigens
),
-- Antigens of role other, as peptide pools are, stand here only where blood was tested against them so.
tested_in_blood as (
    select distinct antigen
    from responses
    inner join in_force using (assay, population, readout)
    where responses.material = 'blood'
),
at_landmark as (
    select persistence_at_landmark.*
    from persistence_at_landmark
    inner join in_force using (assay, population, readout, rule, landmark_day)
)
select
    subject_id,
    antigen,
    antigen_role,
    persistent,
    reason,
    sample_day,
    origin_by_landmark
from at_landmark
left join declared using (antigen)
where antigen_role <> 'other' or antigen in (select antigen from tested_in_blood)
order by declared.position, antigen, subject_id;
