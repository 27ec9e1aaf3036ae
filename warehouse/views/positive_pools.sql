-- Grain: one peptide pool called positive in one specimen as reported, of the primary series.
create or replace view positive_pools as
with
in_force as (
    select assay, population, readout, rule from analysis_in_force
),
declared as (
    select unnest(from_json(value, '["JSON"]')) as antigen
    from settings
    where setting = 'antigens'
),
spellings as (
    select
        antigen ->> 'name' as antigen,
        unnest(list_append(from_json(antigen -> 'aliases', '["VARCHAR"]'), antigen ->> 'name')) as pool
    from declared
),
design as (
    select distinct coalesce(spellings.antigen, peptide_pools.pool) as antigen, peptide_pools.peptide
    from peptide_pools
    left join spellings using (pool)
),
positive as (
    select responses.*
    from responses
    inner join in_force using (assay, population, readout, rule)
    where responses.is_reported and responses.call = 'positive'
),
candidates as (
    select specimen_id, assay, population, readout, rule, peptide, status from pool_candidates
),
counted as (
    select
        positive.specimen_id,
        positive.subject_id,
        positive.study_day,
        positive.visit,
        positive.antigen as pool,
        positive.response_key,
        positive.net_value,
        count(*) as n_peptides,
        count(*) filter (candidates.status = 'candidate') as n_candidates,
        count(*) filter (candidates.status = 'open') as n_open
    from positive
    inner join design using (antigen)
    inner join candidates using (specimen_id, assay, population, readout, rule, peptide)
    group by all
)
select
    *,
    case
        -- A negative pool speaks against each of its peptides, though one of them must be recognised.
        when n_candidates + n_open = 0 then 'contradicted'
        when n_candidates = 0 then 'open'
        when n_candidates + n_open = 1 then 'one candidate'
        else 'several possible'
    end as reading
from counted
order by subject_id, study_day, specimen_id, pool;
