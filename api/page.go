package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

const mediaHTML = "text/html"

const mediaXHTML = "application/xhtml+xml"

var formatHTML = format{names: []string{"html"}, media: mediaHTML, accepts: []string{mediaHTML}}

// page is the built page.
type page struct {
	files fs.FS
	index []byte
	tag   string

	mu     sync.Mutex
	packed map[string][]byte // with gzip, as often as it takes; nil for what does not get smaller
}

// pack packs a file of the page, once. A build never changes while it is served.
func (p *page) pack(name string, body []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if packed, ok := p.packed[name]; ok {
		return packed
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	packed := b.Bytes()
	if err != nil || len(packed) >= len(body) {
		packed = nil
	}
	if p.packed == nil {
		p.packed = map[string][]byte{}
	}
	p.packed[name] = packed
	return packed
}

// takesGzip reports whether a client wants gzip.
func takesGzip(r *http.Request) bool {
	accept := r.Header["Accept-Encoding"]
	return len(accept) > 0 && acceptQuality(parseAccept(strings.Join(accept, ",")), "gzip") > 0
}

func newPage(files fs.FS) (*page, error) {
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return nil, fmt.Errorf("api: read the page: %w", err)
	}
	return &page{files: files, index: index, tag: tagOf(index)}, nil
}

// tagOf makes an ETag of a text that is made once, or short.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// plainParams are the parameters of a link of the page that choose incidents and that items take as they are.
var plainParams = []string{"datetime", "event_type", "sub_event_type", "actor", "dataset", "min_fatalities", "precision", "verification", "border_km", "q"}

// plainPlaces are the parameters that choose places, with the property of each: on the page an incident in any of them is meant.
var plainPlaces = [][2]string{{"unit", "unit_id"}, {"province", "province"}, {"country", "country"}}

// plainQuery gives the parameters of items for what a link of the page chooses, "" if it chooses nothing.
func plainQuery(link url.Values) string {
	q := url.Values{}
	for _, name := range plainParams {
		if v := link.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	var places []string
	for _, p := range plainPlaces {
		v := link.Get(p[0])
		if v == "" {
			continue
		}
		var words []string
		for _, w := range splitList(v) {
			words = append(words, "'"+strings.ReplaceAll(strings.TrimSpace(w), "'", "''")+"'")
		}
		places = append(places, p[1]+" IN ("+strings.Join(words, ",")+")")
	}
	if len(places) > 0 {
		q.Set("filter", strings.Join(places, " OR "))
	}
	return q.Encode()
}

// plainLinks puts what a link chooses into the plain list and the links to the data, which are all there is without JavaScript.
func plainLinks(index []byte, asked string) []byte {
	asked = strings.ReplaceAll(asked, "&", "&amp;") + "&amp;"
	return []byte(strings.NewReplacer(
		"/collections/incidents/items?", "/collections/incidents/items?"+asked,
		"./aggregates?", "./aggregates?"+asked,
		"All incidents, newest first", "The incidents of this link, newest first",
		"All incidents as a file", "The incidents of this link as a file",
		"Incidents by district", "The incidents of this link by district",
	).Replace(string(index)))
}

// contentSecurityPolicy lets the page load nothing but what this server gives,
// and the tiles of the base layer where one is configured. Who may put it into
// a frame is not in it: see frameAncestors.
func contentSecurityPolicy(base *BaseLayer) (string, error) {
	tiles := ""
	if base != nil {
		u, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(base.URL))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return "", fmt.Errorf("api: base layer %q is not an http or https address", base.URL)
		}
		// The host is read from the template itself, where {s} stands for a subdomain.
		host := strings.TrimPrefix(base.URL, u.Scheme+"://")
		host, _, _ = strings.Cut(host, "/")
		if i := strings.LastIndexByte(host, '}'); i >= 0 {
			_, parent, ok := strings.Cut(host[i:], ".")
			if !ok || strings.ContainsAny(parent, "{}") {
				return "", fmt.Errorf("api: base layer %q has a placeholder where its host should be", base.URL)
			}
			host = "*." + parent
		}
		if strings.ContainsAny(host, " ;,'\"\t\r\n@?#") {
			return "", fmt.Errorf("api: base layer %q has a host that cannot be named in a policy", base.URL)
		}
		tiles = " " + u.Scheme + "://" + host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:" + tiles +
		"; connect-src 'self'; worker-src 'self'; font-src 'self'; frame-src 'self'; manifest-src 'self'; form-action 'none'; base-uri 'none'", nil
}

// frameAncestors says who may put the page into a frame: anyone for ?embed=1,
// which shows nothing that could change what the server holds
// (docs/decisions/0008-frames.md), else only this server. A query that a
// browser might read in another way is none for a frame.
func frameAncestors(query url.Values) string {
	if v := query["embed"]; len(v) == 1 && v[0] == "1" {
		return "; frame-ancestors *"
	}
	return "; frame-ancestors 'self'"
}

// landingFormat picks the format of the landing page: HTML for a client that names it in Accept and takes it as gladly as
// JSON, as browsers do, and JSON for all others, programs that take anything among them.
func (p params) landingFormat(r *http.Request) (format, error) {
	if _, ok := p["f"]; ok {
		return p.format(r, pageFormats)
	}
	ranges := parseAccept(strings.Join(r.Header["Accept"], ","))
	named := 0.0
	for _, a := range ranges {
		if a.media == mediaHTML || a.media == mediaXHTML {
			named = max(named, a.q)
		}
	}
	jsonNamed := slices.ContainsFunc(ranges, func(a acceptRange) bool { return a.media == mediaJSON })
	// A link of the page carries what was chosen on it; who takes anything, as those do who show a preview of a link, gets the page.
	if link := r.URL.RawQuery != "" && !jsonNamed && acceptQuality(ranges, mediaHTML) > 0; link || named > 0 && named >= acceptQuality(ranges, mediaJSON) {
		return formatHTML, nil
	}
	return formatJSON, nil
}

// getRoot gives the page to browsers and the landing page to programs. The
// page reads its own state from the query, so any parameter goes with it.
func (s *server) getRoot(c echo.Context) error {
	r := c.Request()
	h := c.Response().Header()
	h.Add("Vary", "Accept")
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		query = nil
	}
	p := params{}
	if f := query.Get("f"); f != "" {
		p["f"] = f
	}
	f, err := p.landingFormat(r)
	if err != nil {
		return err
	}
	if f.media == mediaJSON || s.page == nil || p["f"] != "" { // a browser that names no format gets the map
		allowReading(h)
		if _, err := readParams(r, []string{"f"}); err != nil {
			return err
		}
		return s.landing(c, f)
	}
	h["Content-Security-Policy"] = []string{s.csp + frameAncestors(query)}
	h["Cache-Control"] = []string{"no-cache"}
	body, tag := s.page.index, s.page.tag
	if asked := plainQuery(query); asked != "" {
		body = plainLinks(body, asked)
		tag = tagOf(body)
	}
	h["Etag"] = []string{tag}
	h.Add("Vary", "Accept-Encoding")
	if takesGzip(r) && tag == s.page.tag {
		if packed := s.page.pack("index.html", body); packed != nil {
			body = packed
			h["Content-Encoding"] = []string{"gzip"}
			h["Etag"] = []string{strings.TrimSuffix(tag, `"`) + gzipSuffix + `"`}
		}
	}
	if notModified(c, tag) {
		h.Del("Content-Encoding")
		return nil
	}
	return s.send(c, formatHTML.contentType(), body)
}

// assetTypes are the media types of what a build makes, so that the answer
// does not depend on the machine's own table.
var assetTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": mediaJSON, ".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp", ".woff2": "font/woff2", ".ico": "image/x-icon",
	".map": mediaJSON, ".txt": "text/plain; charset=utf-8", ".geojson": mediaGeoJSON,
}

// getAsset gives a file of the build. Their names carry a hash of their
// content, so clients may keep them for ever. A file packed beforehand
// (name.gz) is given as it is.
func (s *server) getAsset(c echo.Context) error {
	if s.page == nil {
		return echo.ErrNotFound
	}
	name := path.Join("assets", c.Param("*"))
	if !fs.ValidPath(name) || !strings.HasPrefix(name, "assets/") {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	var body []byte
	err := fs.ErrNotExist
	gzipped := takesGzip(c.Request())
	if gzipped {
		body, err = fs.ReadFile(s.page.files, name+".gz")
	}
	packed := err == nil
	if !packed {
		body, err = fs.ReadFile(s.page.files, name)
	}
	if err != nil { // not there, or a folder
		return echo.ErrNotFound
	}
	media := assetTypes[path.Ext(name)]
	if media == "" {
		if media = mime.TypeByExtension(path.Ext(name)); media == "" {
			media = mediaColumns
		}
	}
	if gzipped && !packed && compressible(media) {
		if small := s.page.pack(name, body); small != nil {
			body, packed = small, true
		}
	}
	if packed {
		h["Content-Encoding"] = []string{"gzip"}
	}
	h["Vary"] = []string{"Accept-Encoding"}
	h["Cache-Control"] = []string{"public, max-age=31536000, immutable"}
	h["Content-Security-Policy"] = []string{s.csp + frameAncestors(nil)} // a worker takes its policy from its own answer
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if c.Request().Method != http.MethodHead && h["Content-Encoding"] == nil {
		delete(h, "Content-Length") // left to the compressor
	}
	return s.send(c, media, body)
}
