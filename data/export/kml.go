package export

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"image/color"
	"io"
	"iter"
	"math"
	"os"
	"strings"

	"github.com/twpayne/go-geom"
	geomkml "github.com/twpayne/go-geom/encoding/kml"
	"github.com/twpayne/go-kml/v3"

	"sarhad/incident"
)

// eventColours are the colours of the page on a light ground.
var eventColours = []struct {
	event  incident.EventType
	id     string
	colour color.NRGBA
}{
	{incident.Battles, "battles", color.NRGBA{0xc2, 0x3b, 0x17, 0xff}},
	{incident.Explosions, "explosions", color.NRGBA{0xcf, 0x80, 0x00, 0xff}},
	{incident.Civilians, "civilians", color.NRGBA{0x8a, 0x2f, 0x86, 0xff}},
	{incident.Protests, "protests", color.NRGBA{0x0a, 0x8e, 0xc7, 0xff}},
	{incident.Riots, "riots", color.NRGBA{0x4a, 0x3f, 0xd0, 0xff}},
	{incident.Strategic, "strategic", color.NRGBA{0x3c, 0x41, 0x46, 0xff}},
	{"", "unstated", color.NRGBA{0x8f, 0x93, 0x98, 0xff}},
}

// folders name the folders, in the order of [incident.PlaceKinds].
var folders = map[incident.PlaceKind]string{
	incident.PlacePoint:    "At a known point",
	incident.PlaceCircle:   "Within a circle",
	incident.PlaceSubunit:  "Somewhere in a tehsil or Afghan district",
	incident.PlaceUnit:     "Somewhere in a unit",
	incident.PlaceUnits:    "Somewhere in one of several units",
	incident.PlaceProvince: "Somewhere in a province",
	incident.PlaceBorder:   "Somewhere along the border",
	incident.PlaceCountry:  "Somewhere in a country",
	incident.PlaceNone:     "Place not known",
}

// KML writes a KML 2.2 document: a folder for each kind of place, a style for
// each event type, a time span for each placemark. Only what is known to the
// point is a point and only a circle is drawn as one; every other placemark has no
// geometry and says in words where it was. What KML lists by folder but a store
// gives in its own order waits in temporary files, which are removed.
func KML(w io.Writer, info Info, incidents iter.Seq2[*incident.Incident, error]) (err error) {
	bw := bufio.NewWriterSize(w, chunk)
	k := &kmlWriter{out: bw, waiting: map[incident.PlaceKind]*spool{}}
	k.enc = xml.NewEncoder(&k.buf)
	defer func() { err = errors.Join(err, k.close()) }()
	if err := k.head(&info); err != nil {
		return err
	}
	for in, err := range incidents {
		if err != nil {
			return err
		}
		if err := k.incident(in); err != nil {
			return fmt.Errorf("write an incident: %w", err)
		}
	}
	if err := k.tail(); err != nil {
		return err
	}
	return flush(bw)
}

type kmlWriter struct {
	out     *bufio.Writer
	buf     bytes.Buffer // what was encoded last
	enc     *xml.Encoder
	points  bool // the folder of the points is open
	waiting map[incident.PlaceKind]*spool
}

func (k *kmlWriter) encode(e kml.Element) error {
	if err := k.enc.Encode(e); err != nil {
		return fmt.Errorf("encode KML: %w", err)
	}
	return nil
}

// pass writes what was encoded to w.
func (k *kmlWriter) pass(w io.Writer) error {
	k.buf.WriteByte('\n')
	_, err := k.buf.WriteTo(w)
	return err
}

func (k *kmlWriter) head(info *Info) error {
	title := info.Title
	if title == "" {
		title = "Incidents"
	}
	elements := []kml.Element{kml.Name(title), kml.Open(true), kml.Description(strings.ReplaceAll(html.EscapeString(info.Attribution()), "\n", "<br>\n"))}
	for _, c := range eventColours {
		area := c.colour
		area.A = 0x22
		elements = append(elements, kml.SharedStyle(c.id, kml.IconStyle(kml.Color(c.colour)), kml.LineStyle(kml.Color(c.colour), kml.Width(1.5)), kml.PolyStyle(kml.Color(area))))
	}
	_, _ = k.out.WriteString(xml.Header + `<kml xmlns="` + kml.Namespace + `"><Document>` + "\n") // the last flush tells
	for _, e := range elements {
		if err := k.encode(e); err != nil {
			return err
		}
		if err := k.pass(k.out); err != nil {
			return fmt.Errorf("write the head of the KML: %w", err)
		}
	}
	return nil
}

// incident writes a placemark to its folder: that of the points is the first, so
// that most incidents are written at once; the others wait.
func (k *kmlWriter) incident(in *incident.Incident) error {
	kind := placeKind(in)
	var to io.Writer = k.out
	if kind == incident.PlacePoint {
		if !k.points {
			k.points = true
			if err := k.openFolder(kind); err != nil {
				return err
			}
		}
	} else {
		s := k.waiting[kind]
		if s == nil {
			s = &spool{}
			k.waiting[kind] = s
		}
		to = s
	}
	if err := k.encode(placemark(in)); err != nil {
		return err
	}
	return k.pass(to)
}

func (k *kmlWriter) openFolder(kind incident.PlaceKind) error {
	name := folders[kind]
	if name == "" {
		name = string(kind)
	}
	_, _ = k.out.WriteString("<Folder>")
	if err := k.encode(kml.Name(name)); err != nil {
		return err
	}
	return k.pass(k.out)
}

func (k *kmlWriter) tail() error {
	const end = "</Folder>\n"
	if k.points {
		_, _ = k.out.WriteString(end)
	}
	for _, kind := range incident.PlaceKinds {
		s := k.waiting[kind]
		if s == nil {
			continue
		}
		if err := k.openFolder(kind); err != nil {
			return err
		}
		if err := s.copyTo(k.out); err != nil {
			return err
		}
		_, _ = k.out.WriteString(end)
	}
	_, _ = k.out.WriteString("</Document></kml>\n")
	return nil
}

func (k *kmlWriter) close() error {
	var err error
	for _, s := range k.waiting {
		err = errors.Join(err, s.close())
	}
	return err
}

func placemark(in *incident.Incident) kml.Element {
	data := make([]kml.Element, 0, len(columns))
	var b []byte
	for i := range columns {
		v := columns[i].Value(in)
		if v == nil {
			continue
		}
		b = appendValue(b[:0], v)
		data = append(data, kml.Data(columns[i].Name, kml.Value(string(b))))
	}
	said := "Where: " + where(in) + "."
	if in.Summary != "" {
		said = in.Summary + "\n" + said
	}
	style := eventColours[len(eventColours)-1].id
	for _, c := range eventColours {
		if c.event == in.EventType {
			style = c.id
		}
	}
	elements := []kml.Element{
		kml.Name(nameOf(in)),
		kml.Description(strings.ReplaceAll(html.EscapeString(said), "\n", "<br>\n")), // which viewers show as HTML
		kml.TimeSpan(day{"begin", in.Start}, day{"end", in.End}),
		kml.StyleURL("#" + style),
		kml.ExtendedData(data...),
	}
	if g := geometry(in); g != nil {
		elements = append(elements, g)
	}
	return kml.Placemark(elements...)
}

// day is the begin or end of a time span as a calendar day without a zone, for
// which the library has only instants.
type day struct {
	name string
	day  incident.Day
}

// MarshalXML implements [xml.Marshaler].
func (d day) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(d.day.String(), xml.StartElement{Name: xml.Name{Local: d.name}})
}

// nameOf is a short name: what happened, and the name of the place.
func nameOf(in *incident.Incident) string {
	what := "Incident"
	for _, s := range []string{string(in.SubEventType), string(in.EventType), in.EventTypeText} {
		if s != "" {
			what = s
			break
		}
	}
	for _, s := range []string{in.LocationName, in.District, in.Province, in.Country} {
		if s != "" {
			return what + ", " + s
		}
	}
	return what
}

// where says what is known of the place.
func where(in *incident.Incident) string {
	unit := in.UnitID
	for _, s := range []string{in.District, in.Province} {
		if s != "" {
			unit = s
			break
		}
	}
	switch placeKind(in) {
	case incident.PlacePoint:
		return "at the point shown"
	case incident.PlaceCircle:
		return fmt.Sprintf("within %g km of %.4f, %.4f (longitude, latitude)", in.Place.RadiusM/1000, in.Point[0], in.Point[1])
	case incident.PlaceSubunit:
		return fmt.Sprintf("somewhere in %s, %s; no point is known", in.Subunit, unit)
	case incident.PlaceUnit:
		return "somewhere in " + unit + "; no point is known"
	case incident.PlaceUnits:
		return "somewhere in one of " + strings.Join(in.Place.Units, ", ") + "; no point is known"
	case incident.PlaceProvince:
		return "somewhere in " + in.Province + "; no point is known"
	case incident.PlaceBorder:
		return "somewhere along the border; no point is known"
	case incident.PlaceCountry:
		return "somewhere in " + in.Country + "; no point is known"
	}
	return "not known"
}

// geometry is a point where one is known, a polygon for a circle, and nil for all else.
func geometry(in *incident.Incident) kml.Element {
	if !in.HasPoint {
		return nil
	}
	switch placeKind(in) {
	case incident.PlacePoint:
		return geomkml.EncodePoint(geom.NewPointFlat(geom.XY, []float64{in.Point[0], in.Point[1]}))
	case incident.PlaceCircle:
		if ring := circle(in.Point[0], in.Point[1], in.Place.RadiusM); ring != nil {
			return geomkml.EncodePolygon(geom.NewPolygonFlat(geom.XY, ring, []int{len(ring)}))
		}
	}
	return nil
}

// earthRadius is the mean radius of the earth in metres (IUGG).
const earthRadius = 6371008.8

// circle gives a ring of 64 corners, counter-clockwise, as lon, lat, lon, lat …;
// nil for one without a radius, around a pole or across the antimeridian.
func circle(lon, lat, radiusM float64) []float64 {
	const corners = 64
	d := radiusM / earthRadius
	if !(d > 0 && d < 1) {
		return nil
	}
	ring := make([]float64, 0, 2*corners+2)
	phi, lambda := lat*math.Pi/180, lon*math.Pi/180
	if math.Abs(phi)+d >= math.Pi/2 {
		return nil
	}
	for i := range corners {
		az := -2 * math.Pi * float64(i) / corners
		sin := math.Sin(phi)*math.Cos(d) + math.Cos(phi)*math.Sin(d)*math.Cos(az)
		x := lambda + math.Atan2(math.Sin(az)*math.Sin(d)*math.Cos(phi), math.Cos(d)-math.Sin(phi)*sin)
		if math.Abs(x) > math.Pi {
			return nil
		}
		ring = append(ring, micro(x*180/math.Pi), micro(math.Asin(sin)*180/math.Pi))
	}
	return append(ring, ring[0], ring[1])
}

// micro rounds to six decimals, a tenth of a metre.
func micro(f float64) float64 { return math.Round(f*1e6) / 1e6 }

// spool keeps what is written until it is wanted: a little in memory, more in a temporary file.
type spool struct {
	mem  bytes.Buffer
	file *os.File
}

// maxMem is how much of a spool is in memory.
const maxMem = 1 << 20

// Write implements [io.Writer].
func (s *spool) Write(p []byte) (int, error) {
	s.mem.Write(p)
	if s.mem.Len() < maxMem {
		return len(p), nil
	}
	if s.file == nil {
		f, err := os.CreateTemp("", "sarhad-export-")
		if err != nil {
			return 0, fmt.Errorf("make room for the export: %w", err)
		}
		s.file = f
	}
	if _, err := s.mem.WriteTo(s.file); err != nil {
		return 0, fmt.Errorf("keep a part of the export: %w", err)
	}
	return len(p), nil
}

// copyTo writes all that was written.
func (s *spool) copyTo(w io.Writer) error {
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read a part of the export again: %w", err)
		}
		if _, err := io.Copy(w, s.file); err != nil {
			return fmt.Errorf("copy a part of the export: %w", err)
		}
	}
	if _, err := s.mem.WriteTo(w); err != nil {
		return fmt.Errorf("copy a part of the export: %w", err)
	}
	return nil
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.file.Close(), os.Remove(s.file.Name()))
	s.file = nil
	if err != nil {
		return fmt.Errorf("remove a temporary file: %w", err)
	}
	return nil
}
