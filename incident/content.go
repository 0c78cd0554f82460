package incident

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
)

// Content sums up what a store holds, so that two stores can be compared.
type Content struct {
	// Incidents and Datasets are how many there are.
	Incidents, Datasets int
	sum                 [4]uint64
}

// Hash is the same for two stores of the same incidents and datasets, in any
// order and with any row numbers, as 64 hexadecimal digits. It is a sum of
// SHA-256: it tells copies that went wrong, not ones that somebody forged.
func (c *Content) Hash() string {
	var b []byte
	for _, n := range c.sum {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return hex.EncodeToString(b)
}

// String writes it for readers.
func (c *Content) String() string {
	return fmt.Sprintf("%d incidents in %d datasets, content %s", c.Incidents, c.Datasets, c.Hash())
}

// add adds the SHA-256 of a text to the sum, modulo 2 to the power of 256.
func (c *Content) add(text []byte) {
	sum := sha256.Sum256(text)
	carry := uint64(0)
	for i := len(c.sum) - 1; i >= 0; i-- {
		c.sum[i], carry = bits.Add64(c.sum[i], binary.BigEndian.Uint64(sum[8*i:]), carry)
	}
}

// ContentOf reads all that a reader gives. Of an incident everything counts but
// its row number and where it was read; of a dataset what is said of it.
func ContentOf(ctx context.Context, r Reader) (c Content, err error) {
	var w contentWriter
	for in, err := range r.Incidents(ctx, Query{}) {
		if err != nil {
			return c, fmt.Errorf("read the content: %w", err)
		}
		w.b = w.b[:0]
		w.incident(in)
		c.add(w.b)
		c.Incidents++
	}
	infos, err := r.Datasets(ctx)
	if err != nil {
		return c, fmt.Errorf("read the content: %w", err)
	}
	for i := range infos {
		c.add(fmt.Appendf(nil, "dataset %q", fmt.Sprintf("%+v", infos[i].Dataset)))
		c.Datasets++
	}
	return c, nil
}

// contentWriter writes values one behind the other so that none can pass for another.
type contentWriter struct{ b []byte }

func (w *contentWriter) number(n int64) { w.b = binary.BigEndian.AppendUint64(w.b, uint64(n)) }

func (w *contentWriter) float(f float64) { w.number(int64(math.Float64bits(f + 0))) } // -0 is 0

func (w *contentWriter) flag(v bool) {
	if v {
		w.number(1)
	} else {
		w.number(0)
	}
}

func (w *contentWriter) texts(list ...string) {
	w.number(int64(len(list)))
	for _, s := range list {
		w.number(int64(len(s)))
		w.b = append(w.b, s...)
	}
}

func (w *contentWriter) figures(list ...Figure) {
	for _, f := range list {
		w.flag(f.Known)
		w.number(int64(f.N))
	}
}

func (w *contentWriter) incident(in *Incident) {
	w.texts(in.ID, in.Dataset, in.SourceID, in.Time, string(in.TimePrecision), string(in.EventType), string(in.SubEventType), in.EventTypeText, string(in.EventClass),
		in.Actor1, in.Actor2, in.Dyad, in.Country, in.Province, in.District, in.UnitID, in.UnitThen, in.DistrictThen, in.Subunit, in.PCode,
		in.LocationName, in.LocationText, string(in.LocationPrecision), in.LocationPrecisionCode, string(in.Place.Kind), string(in.Border.Side),
		string(in.Verification), in.Clarity, in.Summary)
	w.texts(in.AssocActors...)
	w.texts(in.Candidates...)
	w.texts(in.Place.Units...)
	w.texts(in.Warnings...)
	w.number(int64(in.Start))
	w.number(int64(in.End))
	w.number(int64(in.TypeOfViolence))
	w.figures(in.Low, in.Best, in.High, in.DeathsA, in.DeathsB, in.DeathsCivilians, in.DeathsUnknown)
	w.flag(in.HasPoint)
	if in.HasPoint {
		w.float(in.Point[0])
		w.float(in.Point[1])
	}
	w.float(in.Place.RadiusM)
	w.flag(in.Border.Known)
	if in.Border.Known {
		w.float(in.Border.MinKM)
		w.float(in.Border.MaxKM)
	}
	w.flag(in.Synthetic)
	w.number(int64(len(in.Claims)))
	for i := range in.Claims {
		c := &in.Claims[i]
		w.texts(c.Quantity, c.About, c.Qualifier, c.Claimant, c.ClaimantRole, c.Quote, c.Language)
		w.figures(c.Low, c.Best, c.High)
		w.number(int64(c.Source))
	}
	w.number(int64(len(in.Sources)))
	for i := range in.Sources {
		s := &in.Sources[i]
		w.texts(s.Publisher, s.Title, s.URL, s.Date, s.Language)
		w.flag(s.IsParty)
	}
}
