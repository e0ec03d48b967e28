// Package identitydb is the slow tier of the identity graph kept in Postgres.
package identitydb
