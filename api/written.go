package api

import (
	"context"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

// changeHeader tells the change number of the store that an answer is of, or, where something was written, the one to ask
// for to see it. It is never that of what everybody sees of a delayed dataset, which is greater: then nobody would wait for a
// copy of the store that lags behind.
const changeHeader = "Sarhad-Change"

// atLeastHeader asks for an answer that is of a change number or a later one.
const atLeastHeader = "Sarhad-At-Least"

const (
	// atLeastWait is how long a request waits for the change that it asks for.
	atLeastWait = 5 * time.Second
	// atLeastEvery is how often it looks.
	atLeastEvery = 10 * time.Millisecond
)

// awaitChange waits until what answers has the change that a request asks for.
func (s *server) awaitChange(c echo.Context) error {
	given := c.Request().Header[atLeastHeader]
	if len(given) == 0 {
		return nil
	}
	want, err := strconv.ParseInt(given[0], 10, 64)
	if err != nil || want < 0 || len(given) > 1 {
		return wrongParameter(atLeastHeader, nil, "%s takes one change number, such as an answer with the header %s gives, not %s.", atLeastHeader, changeHeader, quoted(given[0]))
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.changePatience)
	defer cancel()
	for {
		change, err := incident.StoreChange(ctx, s.Reader)
		if err == nil && change >= want {
			return nil
		}
		if err == nil {
			select {
			case <-ctx.Done():
				err = ctx.Err()
			case <-time.After(atLeastEvery):
				continue
			}
		}
		if c.Request().Context().Err() == nil && ctx.Err() != nil {
			return incident.Errorf(incident.CodeUnavailable, "Change %d has not arrived here yet; ask again in a moment.", want)
		}
		return err
	}
}

// tellChange says in an answer what change number it is of.
func tellChange(c echo.Context, change int64) {
	c.Response().Header()[changeHeader] = []string{strconv.FormatInt(change, 10)}
}

// tellWritten says in an answer about writing with which change number all is
// seen that was written before. Where the store cannot say, the answer goes without.
func (s *server) tellWritten(c echo.Context) {
	read := s.Written
	if read == nil {
		read = func(ctx context.Context) (int64, error) { return incident.StoreChange(ctx, s.Reader) }
	}
	if change, err := read(c.Request().Context()); err == nil {
		tellChange(c, change)
	}
}
