package dial

import (
	"fmt"
	"net/url"

	"golang.org/x/net/http/httpproxy"

	ocserr "github.com/ocsgo/ocs/errors"
)

// FromEnvironment returns the proxy that the environment wants for the target, "host:port", or nil. It looks
// at HTTPS_PROXY, then ALL_PROXY, then at NO_PROXY (domains, addresses, networks; see package
// golang.org/x/net/http/httpproxy); each also in lower case, which comes first. A loopback target needs
// no proxy. getenv is os.Getenv or a table in its place.
//
// The error is that of ParseProxy, and names the variable.
func FromEnvironment(getenv func(string) string, target string) (*Proxy, error) {
	name, value := lookup(getenv, "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
	if value == "" {
		return nil, nil
	}
	_, exceptions := lookup(getenv, "no_proxy", "NO_PROXY")
	// The URL of the proxy does not matter here: httpproxy would drop one that it does not like.
	rules := httpproxy.Config{HTTPSProxy: "http://proxy.invalid", NoProxy: exceptions}
	if through, err := rules.ProxyFunc()(&url.URL{Scheme: "https", Host: target}); err != nil || through == nil {
		return nil, err
	}
	p, err := parseProxy(value)
	if err != nil {
		return nil, ocserr.New(ocserr.CauseInvalidProxy, fmt.Errorf("%s: %w", name, err))
	}
	return p, nil
}

// lookup finds the first of the variables that is set.
func lookup(getenv func(string) string, names ...string) (name, value string) {
	for _, name := range names {
		if value := getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}
