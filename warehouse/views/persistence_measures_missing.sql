-- Grain: one reason why a measure of persistence_measures has no value, with the series it has none for.
create or replace view persistence_measures_missing as
with
measures as (
    select subject_id, 'area under the curve' as measure, auc_per_day is not null as is_there, auc_reason as reason
    from persistence_measures
    union all
    select subject_id, 'half-life', half_life_days is not null, half_life_reason
    from persistence_measures
),
sizes as (
    select measure, count(*) as n_series_in_all
    from measures
    group by measure
)
select
    measure,
    measures.reason,
    count(*) as n_series,
    count(distinct measures.subject_id) as n_subjects,
    any_value(sizes.n_series_in_all) as n_series_in_all
from measures
inner join sizes using (measure)
where not measures.is_there
group by measure, measures.reason
order by measure, n_series desc, measures.reason;
