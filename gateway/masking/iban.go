package masking

import "golang.org/x/text/unicode/norm"

// ibanLength is how long the IBANs of a country are, by the registry of ISO
// 13616; 0 for a country that has none.
func ibanLength(country string) int {
	const registry = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18" +
		"FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24" +
		"ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28" +
		"TL23TN24TR26UA29VA22VG24XK20YE30"
	for i := 0; i < len(registry); i += 4 {
		if registry[i:i+2] == country {
			return int(registry[i+2]-'0')*10 + int(registry[i+3]-'0')
		}
	}
	return 0
}

// ibans masks IBANs but for the country and the last characters, or sees to it
// that they pass whole: their digits may look like those of a card.
func (m *masker) ibans(pass bool) {
	for i := 0; i < len(m.glyphs); i++ {
		if i > 0 && m.glyphs[i-1].kind == letter {
			continue // inside a word
		}
		if at := m.iban(i); at != nil {
			if !pass {
				m.hide(at[2 : len(at)-shown])
			}
			m.know(at)
			i = at[len(at)-1]
		}
	}
}

// iban are the glyphs of the IBAN that begins at one; nil if none does.
func (m *masker) iban(from int) []int {
	var (
		at      []int
		country string
		want    = 2
		gap     int
		since   []int
	)
	for i := from; i < len(m.glyphs) && len(at) < want; i++ {
		switch g := m.glyphs[i]; g.kind {
		case digit, letter:
			at, gap, since = append(at, i), 0, since[:0]
			switch {
			case len(at) <= 2:
				country += string(m.latin(g))
			case len(at) <= 4 && g.kind != digit: // the check digits
				return nil
			}
		case separator:
			if gap = m.wider(gap, since, i); gap > widest || len(at) == 0 {
				return nil
			}
			since = append(since, i)
		case invisible:
		case other:
			return nil
		}
		if len(at) == 2 && want == 2 {
			want = ibanLength(country)
		}
	}
	if len(at) < 15 || len(at) != want || !m.checks(at) {
		return nil
	}
	return at
}

// latin is a glyph as an upper-case letter or a digit of ASCII.
func (m *masker) latin(g glyph) rune {
	switch c := g.char; {
	case 'a' <= c && c <= 'z':
		return c - 'a' + 'A'
	case '0' <= c && c <= '9':
		return c
	default:
		if r := norm.NFD.String(string(c))[0]; 'a' <= r && r <= 'z' { // an accent does not make it another
			return rune(r) - 'a' + 'A'
		}
		return '?'
	}
}

// checks holds an IBAN against its check digits (ISO 7064 MOD 97-10).
func (m *masker) checks(at []int) bool {
	rest := 0
	for k := range at {
		switch c := m.latin(m.glyphs[at[(k+4)%len(at)]]); {
		case '0' <= c && c <= '9':
			rest = (10*rest + int(c-'0')) % 97
		case 'A' <= c && c <= 'Z':
			rest = (100*rest + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}
