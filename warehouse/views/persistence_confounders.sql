-- Grain: one group of persistence at the primary landmark, with what else could explain a difference in outcome.
create or replace view persistence_confounders as
with
groups as (
    select subject_id, persistence from persistence_at_primary_landmark
),
enrolled as (
    select subject_id, birth_year, enrolment_date, m_stage, ldh_at_baseline from subjects
),
products as (
    select subject_id, total_viable_cells from infusion_products
),
described as (
    select
        groups.persistence,
        products.total_viable_cells,
        enrolled.ldh_at_baseline,
        enrolled.m_stage,
        year(enrolled.enrolment_date) - enrolled.birth_year as age_years
    from groups
    left join enrolled using (subject_id)
    left join products using (subject_id)
),
stage_counts as (
    select persistence, m_stage, count(*) as n
    from described
    where m_stage is not null
    group by persistence, m_stage
),
stages as (
    select persistence, string_agg(m_stage || ' ' || n, ', ' order by m_stage) as m_stages
    from stage_counts
    group by persistence
)
select
    described.persistence,
    count(*) as n,
    count(described.total_viable_cells) as n_with_dose,
    median(described.total_viable_cells) as dose_median,
    min(described.total_viable_cells) as dose_min,
    max(described.total_viable_cells) as dose_max,
    count(described.ldh_at_baseline) as n_with_ldh,
    median(described.ldh_at_baseline) as ldh_median,
    min(described.ldh_at_baseline) as ldh_min,
    max(described.ldh_at_baseline) as ldh_max,
    count(described.age_years) as n_with_age,
    median(described.age_years) as age_median,
    min(described.age_years) as age_min,
    max(described.age_years) as age_max,
    count(described.m_stage) as n_with_stage,
    any_value(stages.m_stages) as m_stages
from described
left join stages using (persistence)
group by described.persistence
order by list_position(['persistent', 'not persistent', 'not evaluable'], described.persistence);
