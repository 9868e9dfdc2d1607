package resolve

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzAutodocument(f *testing.F) {
	f.Add(xmlType, []byte(`<AutodiscoverResponse AccessLocation="External">`+toUser+userInXML+`</AutodiscoverResponse>`))
	f.Add(xmlType, []byte(`<AutodiscoverResponse>`+userInXML+`</AutodiscoverResponse>`))
	f.Add(xmlType, []byte(`<!DOCTYPE a [<!ENTITY b "b">]><AutodiscoverResponse>&b;</AutodiscoverResponse>`))
	f.Add(jsonType, []byte(userInJSON))
	f.Add("application/json", []byte(`{"_links":{"user":{"href":"https://web.contoso.com/user"}}}`))
	f.Add("application/json", []byte(`{"User":{"SipClientInternalAccess":{"fqdn":1,"port":{}}}}`))
	f.Fuzz(func(t *testing.T, kind string, text []byte) {
		d, err := parse(kind, text)
		if err != nil {
			require.Less(t, len(err.Error()), 1000)
			return
		}
		require.True(t, d.next != "" || len(d.servers) > 0)
		require.Less(t, len(d.String()), 1000)
		for _, s := range d.servers {
			if host, port, err := s.server(); err == nil {
				require.NotEmpty(t, host)
				require.Positive(t, port)
			}
		}
	})
}
