-- Grain: one antigen and population, its mixtures over subsets and visits in their latest version.
create or replace view mimosa_fits_in_sum as
with
latest as (
    select * from mimosa_fits_in_force
),
antigens as (
    select antigen, position from analysis_antigens
),
populations as (
    select population, position from analysis_populations
)
select
    latest.antigen,
    latest.population,
    count(*) as n_fits,
    count(*) filter (latest.fit = 'sound') as n_sound,
    count(*) filter (latest.fit = 'weak') as n_weak,
    count(*) filter (latest.fit = 'no fit') as n_no_fit,
    min(latest.n_specimens) as min_specimens,
    max(latest.n_specimens) as max_specimens
from latest
left join antigens using (antigen)
left join populations using (population)
group by latest.antigen, latest.population, antigens.position, populations.position
order by antigens.position, latest.antigen, populations.position, latest.population;
