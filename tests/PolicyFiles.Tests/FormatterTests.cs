namespace Bulkhead.PolicyFiles.Tests;

public class FormatterTests
{
    [Fact]
    public void Formatting_gives_one_style_and_keeps_comments()
    {
        const string Written = """
            # Copyright: nobody
            # at all

            # Who may reach the shop.
            rulesets: # all of them
              # The storefront.
              - description: "the\nshop"   # what it is
                name:   'storefront'
                rules:
                    - {to: role=app, from: "role=web", services: [tcp/8080,
                        'https'], expires: 2027-01-01}   # the ring


                    # from outside
                    - services: # two
                        - tcp/80   # plain
                        # and
                        - tcp/443
                      from: network:office
                      # the web tier
                      to: "role=web"
                      # nothing else
                    # end of rules
                scopes: [{selector: 'app=shop,env=@live'}]
              # end of rulesets
            # before the groups
            labelGroups:
            - name: live
              key: env
              values: [prod, "yes", "1.0", 'a: b', "2001:db8::1", "*x"]
            networks: [] # none


            # bye
            """;
        const string Canonical = """
            # Copyright: nobody
            # at all

            # Who may reach the shop.
            rulesets: # all of them
              # The storefront.
              - name: storefront
                description: |- # what it is
                  the
                  shop
                scopes:
                  - selector: app=shop,env=@live
                rules:
                  # the ring
                  - from: role=web
                    to: role=app
                    services: [tcp/8080, https]
                    expires: 2027-01-01

                  # from outside
                  - from: network:office
                    # the web tier
                    to: role=web
                    services: # two
                      - tcp/80 # plain
                      # and
                      - tcp/443
                    # nothing else
                  # end of rules
              # end of rulesets

            networks: [] # none

            # before the groups
            labelGroups:
              - name: live
                key: env
                values: [prod, "yes", "1.0", "a: b", "2001:db8::1", "*x"]

            # bye

            """;
        var (text, problems) = Formatter.Format(new("f", Written));
        Assert.Empty(problems);
        Assert.Equal(Canonical.ReplaceLineEndings("\n"), text);
        Assert.Equal(text, Formatter.Format(new("f", text!)).Text);
    }

    [Theory]
    [InlineData("", "{}\n")]
    [InlineData("{}\n", "{}\n")]
    [InlineData("\n# only this\r\n", "# only this\n")]
    [InlineData("modes: []", "modes: []\n")]
    [InlineData("{modes: [{selector: all} # one\n]}", "modes:\n  # one\n  - selector: all\n")]
    [InlineData("networks:\n- name: x\n  addresses: [ # none\n  ]\n", "networks:\n  - name: x\n    addresses: [] # none\n")]
    [InlineData("networks:\n- name: x\n  addresses: [\n  # none\n  ]\n", "networks:\n  - name: x\n    # none\n    addresses: []\n")]
    public void Small_files_have_a_style_too(string written, string canonical)
    {
        Assert.Equal(canonical, Formatter.Format(new("f", written)).Text);
        Assert.Equal(canonical, Formatter.Format(new("f", canonical)).Text);
    }

    [Fact]
    public void A_file_of_another_form_is_not_formatted()
    {
        var (text, problems) = Formatter.Format(new("f", "rulesets:\n  - nme: x"));
        Assert.Null(text);
        Assert.Equal("f:2:5 unknown-name", $"{problems.Single().At} {problems.Single().Found.Code}");
    }
}
