package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"sarhad/incident"
)

// dataset is a dataset as GeoJSON has it; it is what import reads as the member dataset.
type dataset struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Licence     string `json:"licence,omitempty"`
	Attribution string `json:"attribution,omitempty"`
	Terms       string `json:"terms,omitempty"`
	Version     string `json:"version,omitempty"`
	Accessed    string `json:"accessed,omitempty"`
	Public      string `json:"public"`
	Synthetic   bool   `json:"synthetic,omitempty"`
	Sample      bool   `json:"sample,omitempty"`
}

// link is a link as OGC answers have it.
type link struct {
	Rel  string `json:"rel"`
	Type string `json:"type"`
	Href string `json:"href"`
}

// GeoJSON writes a FeatureCollection. Its members title, attribution, datasets
// and withheld stand before the features, so that whoever reads them one by one
// knows whose they are.
func GeoJSON(w io.Writer, info Info, encode Encoder, incidents iter.Seq2[*incident.Incident, error]) error {
	if encode == nil {
		return errNoEncoder
	}
	head := struct {
		Type        string    `json:"type"`
		Title       string    `json:"title,omitempty"`
		Attribution string    `json:"attribution"`
		Datasets    []dataset `json:"datasets"`
		Withheld    []string  `json:"withheld,omitempty"`
		Links       []link    `json:"links,omitempty"`
	}{Type: "FeatureCollection", Title: info.Title, Attribution: info.Attribution(), Datasets: []dataset{}, Withheld: info.Withheld}
	for i := range info.Datasets {
		d := &info.Datasets[i]
		public := "items"
		if d.AggregatesOnly {
			public = "aggregates"
		}
		head.Datasets = append(head.Datasets, dataset{d.Name, d.Title, d.Licence, d.Attribution, d.Terms, d.Version, d.Accessed, public, d.Synthetic, d.Sample})
	}
	if info.Address != "" {
		head.Links = []link{{"self", "application/geo+json", info.Address}}
	}
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("write the head of the collection: %w", err)
	}
	bw := bufio.NewWriterSize(w, chunk)
	_, _ = bw.Write(text[:len(text)-1]) // flush tells if it failed
	_, _ = bw.WriteString(`,"features":[`)
	n := 0
	err = stream(bw, incidents, func(b []byte, in *incident.Incident) []byte {
		if n++; n > 1 {
			b = append(b, ',')
		}
		return encode(append(b, '\n'), in)
	})
	if err != nil {
		return err
	}
	_, _ = bw.WriteString("\n],\"numberReturned\":" + fmt.Sprint(n) + "}\n")
	return flush(bw)
}
