-- Grain: one peptide that a positive pool of one specimen may be owed to, of the primary series.
create or replace view peptides_to_follow_up as
with
in_force as (
    select assay, population, readout, rule from analysis_in_force
),
proteins as (
    select peptide, string_agg(distinct protein, ', ' order by protein) as protein
    from peptide_pools
    group by peptide
),
standing as (
    select pool_candidates.*
    from pool_candidates
    inner join in_force using (assay, population, readout, rule)
    where pool_candidates.status <> 'excluded' and pool_candidates.n_pools_positive > 0
)
select
    subject_id,
    specimen_id,
    study_day,
    visit,
    peptide,
    protein,
    status,
    n_pools,
    n_pools_positive,
    n_rivals,
    lowest_net_value,
    pools
from standing
left join proteins using (peptide)
order by subject_id, study_day, specimen_id, status, n_rivals, peptide;
