-- districts()
select distinct o.district::text as district from source.office o where o.district is not null order by 1
