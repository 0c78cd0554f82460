package geo

// skeleton is what is left of a folded Latin name when the letters that spellings change at will are gone: vowels, h and y,
// doubled letters; q, c and k are one, w and v are one. "Chenagai" and "Chinagi" are both "kng". A first vowel stays as "a". The
// skeleton of anything but Latin letters is "".
func skeleton(key string) string {
	var buf [24]byte
	out := buf[:0]
	for i := 0; i < len(key); i++ {
		c := key[i]
		switch c {
		case 'a', 'e', 'i', 'o', 'u':
			if i > 0 {
				continue
			}
			c = 'a'
		case 'y':
			if i > 0 {
				continue
			}
		case 'h':
			if i > 0 {
				continue
			}
		case 'q', 'c':
			c = 'k'
		case 'v':
			c = 'w'
		default:
			if c < 'a' || c > 'z' {
				return ""
			}
		}
		if len(out) > 0 && out[len(out)-1] == c {
			continue
		}
		if len(out) == cap(out) {
			return ""
		}
		out = append(out, c)
	}
	return string(out)
}

// distance is the number of letters by which two keys differ: one for each letter that is left out, added, changed or
// exchanged with its neighbour. More than limit is said as limit+1.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	const most = 64
	if len(a) > most || len(b) > most {
		return limit + 1
	}
	var rows [3][most + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit+1)
}

// slack is by how many letters a name of so many may be misspelt.
func slack(letters int) int {
	switch {
	case letters < 5:
		return 0
	case letters < 8:
		return 1
	case letters < 13:
		return 2
	}
	return 3
}
