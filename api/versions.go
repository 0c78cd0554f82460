package api

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

// versionParams are what the history of an incident takes.
var versionParams = []string{"limit", "f"}

// What an import did to an incident.
const (
	wasNew     = "new"     // it came, for the first time or again after it was taken away
	wasChanged = "changed" // it was written with other values
	wasRemoved = "removed" // it was taken away
)

var versionActions = []string{wasNew, wasChanged, wasRemoved}

// notCompared are the properties that say how a version is kept, not what it says.
var notCompared = []incident.Property{"fid", "file", "line"}

// getVersions answers with the history of an incident, the newest version first.
func (s *server) getVersions(c echo.Context) error {
	r := c.Request()
	ctx := r.Context()
	c.Response().Header().Add("Vary", "Accept")
	p, err := readParams(r, versionParams)
	if err != nil {
		return err
	}
	f, err := p.format(r, jsonFormats)
	if err != nil {
		return err
	}
	limit, err := p.limit(defaultLimit, maxLimit)
	if err != nil {
		return err
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	fid := c.Param("fid")
	var list []incident.Version
	if !strings.HasPrefix(fid, "0") { // no id begins so, and a row number has one address
		list, err = s.Reader.Versions(ctx, fid)
	}
	if incident.CodeOf(err) == incident.CodeNotFound || err == nil && len(list) == 0 {
		return incident.Errorf(incident.CodeNotFound, "There is no incident %s, and there was none.", quoted(fid))
	}
	if err != nil {
		return err
	}
	id, dataset := identity(list)
	if contains(snap.withheld, dataset) {
		return onlyAggregates(dataset)
	}
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	links := s.itemLinks(r, p, f, jsonFormats)
	if list[0].Incident != nil {
		links = append(links, link{Rel: "latest-version", Type: mediaGeoJSON, Href: s.base(r) + "/collections/" + incidentsID + "/items/" + id})
	}
	links = append(links, s.collectionLink(r, incidentsID))
	h := c.Response().Header()
	h["Content-Type"] = []string{f.contentType()}
	setLinks(h, links)

	st := newStream(c)
	defer st.close()
	v := versionEncoder{newEncoder(s.places)}
	st.b = appendText(append(st.b, `{"id":`...), id)
	st.b = append(st.b, `,"versions":[`...)
	given := min(limit, len(list))
	for i := range given {
		if i > 0 {
			st.b = append(st.b, ',')
		}
		st.b = v.append(append(st.b, '\n'), list, i)
		if done, err := st.spill(); done || err != nil {
			return err
		}
	}
	st.b = append(st.b, "\n],\"numberMatched\":"...)
	st.b = strconv.AppendInt(st.b, int64(len(list)), 10)
	st.b = strconv.AppendInt(append(st.b, `,"numberReturned":`...), int64(given), 10)
	st.b = append(st.b, ',')
	st.b = append(appendLinks(st.b, links), "}\n"...)
	return st.end(links)
}

// onlyAggregates is the answer for one incident of a dataset of which only counts may be shown.
func onlyAggregates(dataset string) error {
	return &httpError{http.StatusForbidden, "The terms of the dataset " + quoted(dataset) + " allow only aggregates of its incidents.", nil}
}

// identity is the id and the dataset of the incident that a history is of; they are the same in every version.
func identity(list []incident.Version) (id, dataset string) {
	for i := range list {
		if in := list[i].Incident; in != nil {
			return in.ID, in.Dataset
		}
	}
	return "", list[0].Import.Dataset
}

// versionEncoder writes versions of one incident.
type versionEncoder struct{ *encoder }

// append appends the version at one place of a history whose newest is the first.
func (v versionEncoder) append(b []byte, list []incident.Version, i int) []byte {
	at := &list[i]
	var before *incident.Incident // the state before, also where the incident was away meanwhile
	for j := i + 1; j < len(list) && before == nil; j++ {
		before = list[j].Incident
	}
	action := wasChanged
	switch {
	case at.Incident == nil:
		action = wasRemoved
	case i+1 == len(list) || list[i+1].Incident == nil:
		action = wasNew
	}
	b = strconv.AppendInt(append(b, `{"version":`...), int64(len(list)-i), 10)
	b = appendText(append(b, `,"action":`...), action)
	b = appendMoment(append(b, `,"recorded_from":`...), at.Import.Started)
	b = append(b, `,"recorded_to":`...)
	if i > 0 {
		b = appendMoment(b, list[i-1].Import.Started)
	} else {
		b = append(b, "null"...)
	}
	b = strconv.AppendInt(append(b, `,"import":{"id":`...), at.Import.ID, 10)
	b = appendTextOrNull(append(b, `,"file":`...), at.Import.File)
	b = appendText(append(b, `,"dataset":`...), at.Import.Dataset)
	b = append(b, `},"changes":[`...)
	if at.Incident != nil && before != nil {
		b = v.appendChanges(b, before, at.Incident)
	}
	b = append(b, `],"feature":`...)
	if at.Incident == nil {
		return append(b, "null}"...)
	}
	return append(v.encoder.append(b, at.Incident), "}}"...)
}

// appendChanges appends what two states of an incident differ in: the label point, then the properties in their order.
func (v versionEncoder) appendChanges(b []byte, before, after *incident.Incident) []byte {
	first := true
	change := func(name incident.Property, before, after []byte) {
		if bytes.Equal(before, after) {
			return
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendText(append(b, `{"property":`...), string(name))
		b = append(append(b, `,"old":`...), before...)
		b = append(append(b, `,"new":`...), after...)
		b = append(b, '}')
	}
	change(incident.Geometry, appendPoint(nil, before), appendPoint(nil, after))
	for i := range incidentMembers {
		if m := &incidentMembers[i]; !slices.Contains(notCompared, m.name) {
			change(m.name, v.value(m, before), v.value(m, after))
		}
	}
	return b
}

// value is what a feature has as a property.
func (v versionEncoder) value(m *member, in *incident.Incident) []byte {
	if m.text != nil {
		return appendTextOrNull(nil, m.text(in))
	}
	v.atKnown = false // the crossing of another version may be another one
	return m.append(nil, in, v.encoder)
}

// appendPoint appends the label point in CRS84, null for none.
func appendPoint(b []byte, in *incident.Incident) []byte {
	if !in.HasPoint {
		return append(b, "null"...)
	}
	return append(appendPosition(append(b, `{"type":"Point","coordinates":`...), in.Point), '}')
}

// appendMoment appends a moment in UTC to the second, null for none.
func appendMoment(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339), '"')
}
