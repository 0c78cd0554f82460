package gazetteer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

func openGeoJSON(path string) ([]feature, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readGeoJSON(io.LimitReader(f, maxBoundaryBytes))
}

// readGeoJSON reads a FeatureCollection feature by feature.
func readGeoJSON(r io.Reader) ([]feature, error) {
	dec := json.NewDecoder(r)
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, incident.Errorf(incident.CodeInvalid, "this is neither a GeoJSON FeatureCollection nor a GeoPackage")
	}
	var features []feature
	kind, found, vertices := "", false, 0
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, jsonError(err)
		}
		switch key {
		case "features":
			if t, err := dec.Token(); err != nil || t != json.Delim('[') {
				return nil, incident.Errorf(incident.CodeInvalid, "its member features is no list")
			}
			found = true
			for dec.More() {
				if len(features) == maxFeatures {
					return nil, errTooManyFeatures()
				}
				f, err := readFeature(dec, len(features)+1, &vertices)
				if err != nil {
					return nil, err
				}
				features = append(features, f)
			}
			if _, err := dec.Token(); err != nil {
				return nil, jsonError(err)
			}
		default:
			var v json.RawMessage
			if err := dec.Decode(&v); err != nil {
				return nil, jsonError(err)
			}
			switch key {
			case "type":
				_ = json.Unmarshal(v, &kind) // anything but a string is not what is asked for below
			case "crs":
				if !lonLat(v) {
					return nil, incident.Errorf(incident.CodeInvalid, "its coordinates are not lon, lat in CRS84 (EPSG:4326): %s; transform the file first", clip(crsName(v)))
				}
			}
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, jsonError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, incident.Errorf(incident.CodeInvalid, "something follows after the end of the collection")
	}
	if kind != "FeatureCollection" || !found {
		return nil, incident.Errorf(incident.CodeInvalid, "this is no GeoJSON FeatureCollection")
	}
	return features, nil
}

func jsonError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return incident.Errorf(incident.CodeInvalid, "the file ends in the middle of its JSON")
	}
	return &incident.Error{Code: incident.CodeInvalid, Message: "the file is not valid JSON", Err: err}
}

// crsName is the name that a member crs gives, or the member itself without one.
func crsName(v json.RawMessage) string {
	var c struct {
		Properties struct {
			Name string `json:"name"`
		} `json:"properties"`
	}
	if json.Unmarshal(v, &c) != nil || c.Properties.Name == "" {
		return string(v)
	}
	return c.Properties.Name
}

// lonLat says whether a member crs means what GeoJSON has without one: CRS84, or EPSG:4326, which GeoJSON files write in
// lon, lat all the same.
func lonLat(v json.RawMessage) bool {
	name := strings.ToUpper(crsName(v))
	return name == "NULL" || strings.HasSuffix(name, "CRS84") || strings.HasSuffix(name, ":4326") || strings.HasSuffix(name, "/4326")
}

func readFeature(dec *json.Decoder, number int, vertices *int) (feature, error) {
	var in struct {
		Type     string          `json:"type"`
		ID       json.RawMessage `json:"id"`
		Geometry *struct {
			Type        string          `json:"type"`
			Coordinates json.RawMessage `json:"coordinates"`
		} `json:"geometry"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	f := feature{number: number, values: map[string]string{}}
	if err := dec.Decode(&in); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return f, featureError(number, fmt.Sprintf("is no GeoJSON feature: its member %q holds a %s", wrong.Field, wrong.Value))
		}
		return f, fmt.Errorf("feature %d: %w", number, jsonError(err))
	}
	if in.Type != "Feature" {
		return f, featureError(number, "is no GeoJSON feature")
	}
	f.id = scalar(in.ID)
	for name, v := range in.Properties {
		if s := scalar(v); s != "" {
			f.values[foldColumn(name)] = s
		}
	}
	if in.Geometry == nil {
		return f, featureError(number, "has no geometry")
	}
	var polygons [][][]position
	var err error
	switch in.Geometry.Type {
	case "Polygon":
		polygons = make([][][]position, 1)
		err = json.Unmarshal(in.Geometry.Coordinates, &polygons[0])
	case "MultiPolygon":
		err = json.Unmarshal(in.Geometry.Coordinates, &polygons)
	default:
		return f, featureError(number, fmt.Sprintf("is a %s; a unit is a Polygon or a MultiPolygon", clip(in.Geometry.Type)))
	}
	if err != nil {
		return f, featureError(number, fmt.Sprintf("has coordinates that cannot be read: %v", err))
	}
	if len(polygons) == 0 {
		return f, featureError(number, "has no polygon")
	}
	for _, p := range polygons {
		rings := make([][]orb.Point, len(p))
		for i, ring := range p {
			rings[i] = make([]orb.Point, len(ring))
			for j, at := range ring {
				if !at.set {
					return f, featureError(number, "has a position that is null")
				}
				rings[i][j] = at.p
			}
		}
		var reason string
		if f.geometry, reason = addPolygon(f.geometry, rings, vertices); reason != "" {
			return f, featureError(number, reason)
		}
	}
	return f, nil
}

// position is a GeoJSON position; a height is read over. A null is told from 0.
type position struct {
	p   orb.Point
	set bool
}

// UnmarshalJSON reads two to four numbers.
func (p *position) UnmarshalJSON(b []byte) error {
	in := bytes.TrimSpace(b)
	if len(in) < 2 || in[0] != '[' {
		return fmt.Errorf("%s is no position", clip(string(b)))
	}
	n := 0
	for part := range bytes.SplitSeq(in[1:len(in)-1], []byte{','}) {
		v, err := strconv.ParseFloat(string(bytes.TrimSpace(part)), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || n == 4 {
			return fmt.Errorf("%s is no position", clip(string(b)))
		}
		if n < 2 {
			p.p[n] = v
		}
		n++
	}
	if n < 2 {
		return fmt.Errorf("%s is no position", clip(string(b)))
	}
	p.set = true
	return nil
}

// scalar is a string or a number as text, "" for anything else.
func scalar(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return strings.TrimSpace(s)
	}
	var n json.Number
	if json.Unmarshal(v, &n) == nil {
		return n.String()
	}
	return ""
}

// clip keeps a broken value from filling an answer.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
