using System.Globalization;

namespace Bulkhead.Lab.Tests;

/// <summary>A lab of three hosts, up for the tests of one class.</summary>
public sealed class SmallLab : IAsyncLifetime
{
    private const string Declaration = """
        hosts:
          web1: { labels: { role: web, env: prod }, daemons: [nginx] }
          app1: { labels: { role: app, env: prod }, daemons: [appserver] }
          cache1: { labels: { role: cache, env: prod }, daemons: [redis] }
        links:
          - { from: web1/nginx, to: app1/appserver }
          - { from: app1/appserver, to: cache1/redis, over: ipv6 }
          - { from: "*/bulkhead-agent", to: controller }
        attacks:
          - { from: web1/nginx, to: cache1/redis }
        people:
          ann: [dba]
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-lab-tests-").FullName;

    public RunningLab Lab { get; private set; } = null!;

    /// <summary>A lab with an id of this process's own, for a file with the given text.</summary>
    public static LabOptions Options(string folder, string suffix, string declaration = Declaration)
    {
        var file = Path.Combine(folder, suffix + ".yaml");
        File.WriteAllText(file, declaration);
        var id = string.Create(CultureInfo.InvariantCulture, $"t{Environment.ProcessId}{suffix}");
        return new(id) { File = file };
    }

    public async Task InitializeAsync() =>
        Lab = await RunningLab.UpAsync(Options(_folder, "s"), _ => { }, CancellationToken.None);

    public async Task DisposeAsync()
    {
        await Lab.DownAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
