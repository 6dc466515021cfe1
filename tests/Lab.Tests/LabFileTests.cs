namespace Bulkhead.Lab.Tests;

public sealed class LabFileTests
{
    private const string Small = """
        hosts:
          web1: { labels: { role: web }, daemons: [nginx] }
          app1: { labels: { role: app }, daemons: [appserver] }
          db1: { daemons: [mariadb] }
        links:
          - { from: web1/nginx, to: app1/appserver }
          - { from: "*/appserver", to: db1/mariadb, over: ipv6 }
          - { from: "*/bulkhead-agent", to: controller }
        """;

    [Fact]
    public void A_good_file_is_read_in_order_and_its_wildcards_are_expanded()
    {
        var (lab, diagnostics) = LabFile.Parse(Small);

        Assert.Empty(diagnostics);
        Assert.Equal(["web1", "app1", "db1"], lab!.Hosts.Select(host => host.Name));
        Assert.Equal(
            [
                "web1/nginx -> app1/appserver ipv4", "app1/appserver -> db1/mariadb ipv6",
                "web1/bulkhead-agent -> controller ipv4", "app1/bulkhead-agent -> controller ipv4", "db1/bulkhead-agent -> controller ipv4",
            ],
            lab.Links.Select(link => $"{link.From} -> {link.To} {(link.Ipv6 ? "ipv6" : "ipv4")}"));
    }

    [Fact]
    public void The_company_is_a_good_file()
    {
        var (lab, diagnostics) = LabFile.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "company.yaml")));

        Assert.Empty(diagnostics);
        Assert.Equal(15, lab!.Hosts.Count);
        Assert.All(lab.Hosts, host => Assert.Equal(["app", "env", "loc", "role"], host.Labels.Keys));
    }

    [Fact]
    public void People_have_the_groups_that_the_file_says_and_numbers_in_its_order()
    {
        var (lab, diagnostics) = LabFile.Parse(Small + "\npeople: { ann: [dba, ops], bob: [] }");

        Assert.Empty(diagnostics);
        Assert.Equal(["ann 31000 dba ops", "bob 31001 "], lab!.People.Select(person => $"{person.Name} {person.Id} {string.Join(' ', person.Groups)}"));
    }

    [Fact]
    public void All_mistakes_are_reported_at_once_each_with_its_place()
    {
        var (lab, diagnostics) = LabFile.Parse("""
            hosts:
              Web1: { daemons: [nginx] }
              app1: { labels: [role], daemons: [appserver, apache, appserver], colour: red }
              db1: { daemons: mariadb }
            links:
              - { from: app1/appserver, to: db2/mariadb }
              - { from: app1/appserver }
              - { from: app1/appserver, to: Web1/nginx, over: ipx }
              - { from: app1, to: controller }
            atacks: []
            """);

        Assert.Null(lab);
        Assert.Equal(
            [
                "unknown-key line 10",
                "host-name line 2, hosts.Web1",
                "unknown-key line 3, hosts.app1",
                "not-a-mapping line 3, hosts.app1.labels",
                "unknown-daemon line 3, hosts.app1.daemons[1]",
                "daemon-twice line 3, hosts.app1.daemons[2]",
                "not-a-list line 4, hosts.db1.daemons",
                "unknown-end line 6, links[0].to",
                "missing line 7, links[1]",
                "family line 8, links[2].over",
                "cannot-connect line 8, links[2]",
                "end line 9, links[3].from",
            ],
            diagnostics.Select(diagnostic => $"{diagnostic.Code} {diagnostic.Path}"));
    }

    [Theory]
    [InlineData("", "host-count")]
    [InlineData("hosts: {}", "host-count")]
    [InlineData("hosts: [", "yaml")]
    [InlineData("hosts: { a: {}, a: {} }", "yaml")]
    [InlineData("hosts: { a: { daemons: [dnsmasq] }, b: { daemons: [dnsmasq] } }", "second-resolver")]
    [InlineData("hosts: { a: { daemons: [nginx, browser] } }\nlinks: [ { from: a/browser, to: a/nginx } ]", "no-link")]
    [InlineData("hosts: { a: { daemons: [browser] }, b: { daemons: [browser] } }\nlinks: [ { from: a/browser, to: b/browser } ]", "no-service")]
    [InlineData("hosts: { a: { daemons: [browser] } }\nlinks: [ { from: a/browser, to: controller } ]", "controller-link")]
    [InlineData("hosts: { a: {} }\npeople: { Ann: [dba] }", "account-name")]
    [InlineData("hosts: { a: {} }\npeople: { ann: ['a:b'] }", "account-name")]
    [InlineData("hosts: { a: {} }\npeople: { ann: dba }", "not-a-list")]
    public void Each_mistake_has_its_code(string text, string code)
    {
        var (lab, diagnostics) = LabFile.Parse(text);

        Assert.Null(lab);
        Assert.Equal([code], diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [Fact]
    public void A_selection_of_hosts_keeps_the_links_among_them_and_to_the_controller()
    {
        var lab = LabFile.Parse(Small).Lab!.Only(new HashSet<string> { "web1", "app1" });

        Assert.Equal(["web1", "app1"], lab.Hosts.Select(host => host.Name));
        Assert.Equal(["app1/appserver", "controller", "controller"], lab.Links.Select(link => link.To.ToString()));
    }
}
