-- Grain: one antigen and population for which study.toml declares multimers: in how many subjects they can be read.
create or replace view hla_by_multimer as
with
listed as (
    select unnest(from_json(value, '["JSON"]')) as multimer
    from settings
    where setting = 'cytometry.multimers'
),
declared as (
    select
        multimer ->> 'antigen' as antigen,
        multimer ->> 'population' as population,
        string_agg(distinct multimer ->> 'hla', ', ' order by multimer ->> 'hla') as hla
    from listed
    group by all
),
antigens as (
    select antigen, position from analysis_antigens
),
measured as (
    select * from responses
    where assay = 'cytometry' and readout = 'multimer' and is_reported
),
-- Typing is of the subject: it is the same in every sample.
by_subject as (
    select
        antigen,
        population,
        subject_id,
        coalesce(bool_or(reason = 'hla_mismatch'), false) as is_mismatch,
        coalesce(bool_or(reason = 'hla_unknown'), false) as is_unknown,
        count(*) as n_samples,
        count(*) filter (call in ('positive', 'negative')) as n_called,
        count(*) filter (call = 'positive') as n_positive
    from measured
    group by antigen, population, subject_id
)
select
    declared.antigen,
    declared.population,
    declared.hla,
    (select count(distinct subject_id) from hla_typing) as n_subjects_typed,
    count(by_subject.subject_id) as n_subjects,
    count(*) filter (not is_mismatch and not is_unknown) as n_interpretable,
    count(*) filter (is_mismatch) as n_mismatch,
    count(*) filter (is_unknown and not is_mismatch) as n_unknown,
    coalesce(sum(n_samples), 0)::bigint as n_samples,
    coalesce(sum(n_called), 0)::bigint as n_called,
    coalesce(sum(n_positive), 0)::bigint as n_positive
from declared
left join by_subject using (antigen, population)
left join antigens using (antigen)
group by declared.antigen, declared.population, declared.hla, antigens.position
order by antigens.position, declared.antigen, declared.population;
