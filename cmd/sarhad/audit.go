package main

import (
	"encoding/json"
	"fmt"
	"time"

	"sarhad/incident"
)

type auditCmd struct {
	storeFlag
	Since string `help:"Only from this day on, in UTC." placeholder:"YYYY-MM-DD"`
	JSON  bool   `help:"Print one entry a line as JSON."`
}

// auditLine is an entry as --json prints it.
type auditLine struct {
	ID     int64     `json:"id"`
	When   time.Time `json:"when"`
	Who    *string   `json:"who"`
	Action string    `json:"action"`
	Object string    `json:"object"`
	Result *string   `json:"result"`
}

// Run implements the command.
func (c *auditCmd) Run(e *env) error {
	var since time.Time
	if c.Since != "" {
		d, err := incident.ParseDay(c.Since)
		if err != nil {
			fmt.Fprintf(e.stderr, "sarhad: --since takes a day, YYYY-MM-DD, not %q\n", c.Since)
			return exitError(exitUsage)
		}
		since = d.Time().UTC()
	}
	st, err := e.openExisting(c.Store)
	if err != nil {
		return err
	}
	defer st.Close()
	list, err := st.AuditLog(e.ctx, since)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	for i := range list {
		a := &list[i]
		if c.JSON {
			err = enc.Encode(auditLine{ID: a.ID, When: a.When, Who: known(a.Who), Action: string(a.Action), Object: a.Object, Result: known(a.Result)})
		} else {
			result := ""
			if a.Result != "" {
				result = ": " + a.Result
			}
			_, err = fmt.Fprintf(e.stdout, "%s  %s, %s%s%s\n", a.When.Format(time.RFC3339), a.Action, a.Object, result, by(a.Who))
		}
		if err != nil {
			return fmt.Errorf("print the audit log: %w", err)
		}
	}
	if len(list) == 0 && !c.JSON {
		_, err := fmt.Fprintln(e.stdout, "Nothing was written since then.")
		return err
	}
	return nil
}
