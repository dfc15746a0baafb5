#!/usr/bin/env bash
# Runs once, when the database cluster is made: the suite's database, and an owner who may make
# roles and schemas there but is no superuser. Everything else is `migrate`'s.
set -euo pipefail

owner_password=$(</secrets/owner)
# Variables of psql are quoted by psql; the password is in no argument list.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<SQL
\set owner_password '$owner_password'
create role downbeat_owner login createrole password :'owner_password';
create database downbeat owner downbeat_owner;
SQL
