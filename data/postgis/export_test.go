package postgis

import "sarhad/incident"

// PageSQL is what is asked for a first page of incidents in the order of time.
func PageSQL(f incident.Filter) (sql string, args []any, err error) {
	q, err := ask(f)
	return "SELECT i.fid FROM " + q.sql("", "") + " ORDER BY " + orders[incident.ByStart].by + " LIMIT 100", q.args, err
}
