namespace Bulkhead.Cli.Tests.Offline;

/// <summary>A folder with a small policy and its inventory, and a shell to run commands on it.</summary>
internal sealed class OfflineFolder : IDisposable
{
    private const string Shop = """
        # the shop
        rulesets:
          - name: shop
            scopes:
              - selector: app=shop,env=@live
            rules:
              - from: role=web
                to: role=db
                services: [mariadb] # the ring
                owner: ann
              - from: network:office
                to: role=web
                services: [tcp/443]
                within: to
              - from: role=web
                to: role=db
                services: [tcp/22, mariadb]
                action: deny
                reason: shells are for operators

        modes:
          - selector: app=shop
            inbound: full
            outbound: selective

        assertions:
          - name: dev stays out
            never:
              from: env=dev
              to: env=prod
            owner: security

        """;

    private const string Words = """
        services:
          - name: mariadb
            ports: [tcp/3306]

        networks:
          - name: office
            addresses: [192.0.2.0/24, "2001:db8::/32"]

        labelGroups:
          - name: live
            key: env
            values: [prod]

        """;

    private const string Inventory = """
        labelKeys: [team]

        workloads:
          - name: web1
            labels: { role: web, app: shop, env: prod, team: a }
            addresses: [10.0.0.1, "fd00::1"]
          - name: db1
            labels: { role: db, app: shop, env: prod }
            addresses: ["fd00::2", 10.0.0.2]
          - name: dev1
            labels: { role: web, app: shop, env: dev }
            addresses: [10.0.0.3]
            managed: false

        """;

    private readonly Session _session = new();

    public OfflineFolder()
    {
        Directory.CreateDirectory(PathOf("parts/.hidden"));
        Write("shop.yaml", Shop);
        Write("parts/words.yml", Words);
        Write("parts/.hidden/broken.yaml", "[");
        Write("inventory.yaml", Inventory);
    }

    public string Path => PathOf("");

    public string PathOf(string name) => System.IO.Path.TrimEndingDirectorySeparator(_session.PathOf($"policy/{name}"));

    public string Read(string name) => File.ReadAllText(PathOf(name));

    public void Write(string name, string text) => File.WriteAllText(PathOf(name), text.ReplaceLineEndings("\n"));

    public void Replace(string name, string old, string @new)
    {
        Assert.Contains(old, Read(name), StringComparison.Ordinal);
        Write(name, Read(name).Replace(old, @new, StringComparison.Ordinal));
    }

    /// <summary>Runs <c>bulkhead policy COMMAND FOLDER ARGUMENTS…</c>.</summary>
    public Task<Result> RunAsync(string command, params string[] arguments) => _session.RunAsync(["policy", command, Path, .. arguments]);

    public void Dispose() => _session.Dispose();
}
