-- Stands in for the migration of this number that another branch brings; drop this file for that one.
select;
