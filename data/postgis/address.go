package postgis

import (
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"sarhad/incident"
)

// IsAddress reports whether a text is meant as the address of a database and not as the name of a file.
func IsAddress(s string) bool {
	return strings.HasPrefix(s, "postgres:") || strings.HasPrefix(s, "postgresql:")
}

// connectTimeout is how long a server may take to answer unless the address says otherwise (connect_timeout).
const connectTimeout = 10 * time.Second

// badAddress is all that is said of an address that cannot be read: what the
// parsers say of it shows parts, and any part may be one of the password.
func badAddress(why string) error {
	return incident.Errorf(incident.CodeInvalid, "The address of the store cannot be read: %s. It is postgres://user@host:port/database; "+
		"in user and password every sign but letters, digits and -._~ is written as %%XX (@ is %%40, / is %%2F). Better, the password stands in PGPASSWORD or ~/.pgpass.", why)
}

// parse reads an address. The schema of the tables may stand in it
// (?schema=NAME), unless the options name one.
func parse(uri string, opt *Options) (*pgxpool.Config, error) {
	if IsAddress(uri) {
		u, err := url.Parse(uri)
		switch {
		case err != nil:
			return nil, badAddress("it is no URL")
		case u.Opaque != "":
			return nil, badAddress("// is missing after the first colon")
		case u.Fragment != "" || strings.Contains(u.Host+u.Path, "@"): // a part of a password, which else would be shown as the name of a host or database
			return nil, badAddress("there is a # or a second @ in it")
		}
		q := u.Query()
		if opt.Schema == "" {
			opt.Schema = q.Get("schema")
		}
		q.Del("schema")
		u.RawQuery = q.Encode()
		uri = u.String()
	}
	if opt.Schema == "" {
		opt.Schema = "sarhad"
	}
	if !schemaName.MatchString(opt.Schema) {
		return nil, incident.Errorf(incident.CodeInvalid, "%q cannot be the schema of a store: take small letters, digits and _.", opt.Schema)
	}
	conf, err := pgxpool.ParseConfig(uri)
	if err != nil {
		return nil, badAddress("a host, port or option of it is none")
	}
	if !strings.Contains(uri, "pool_max_conns") {
		conf.MaxConns = maxConns
	}
	if !strings.Contains(uri, "connect_timeout") {
		conf.ConnConfig.ConnectTimeout = connectTimeout
	}
	return conf, nil
}

// Shown writes an address for readers and logs: scheme, user, host, database
// and schema, and never a password. What cannot be read is not shown at all.
func Shown(uri string) string {
	var opt Options
	conf, err := parse(uri, &opt)
	if err != nil {
		return "postgres://…"
	}
	u, err := url.Parse(uri)
	if err != nil {
		return "postgres://…"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.User != nil {
		shown.User = url.User(u.User.Username())
	}
	q := url.Values{}
	for _, name := range []string{"host", "port", "dbname"} {
		if v := u.Query().Get(name); v != "" {
			q.Set(name, v)
		}
	}
	if conf.ConnConfig.Password != "" && strings.Contains(shown.String(), conf.ConnConfig.Password) {
		shown.User, q = nil, url.Values{} // the same word in two places is shown in neither
	}
	if opt.Schema != "sarhad" {
		q.Set("schema", opt.Schema)
	}
	shown.RawQuery = q.Encode()
	return shown.String()
}
