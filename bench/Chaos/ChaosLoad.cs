using System.Net;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Chaos;

/// <summary>Everything that people and agents do, at the same time and without an end; what is acknowledged is written down.</summary>
internal sealed class ChaosLoad(ControllerRest rest, Uri agentUrl, X509Certificate2 authority, string pairingKey, Promises promises, int seed) : IDisposable
{
    private const int Agents = 12;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
    private readonly List<ChaosAgent> _agents = [.. Enumerable.Range(1, Agents).Select(n => new ChaosAgent(agentUrl, authority, pairingKey, n, seed + n))];

    /// <summary>The agents, whether they came to pair or not.</summary>
    public IReadOnlyList<ChaosAgent> Paired => [.. _agents.Where(agent => promises.Paired.ContainsKey(agent.Name))];

    /// <summary>Works until it is told to stop; requests that run then are let end.</summary>
    public Task RunAsync(CancellationToken stop, CancellationToken cancel) => Task.WhenAll(
        [EditAsync(stop, cancel), ProvisionAsync(stop, cancel), .. _agents.Select(agent => ActAsync(agent, stop, cancel))]);

    public void Dispose() => _agents.ForEach(agent => agent.Dispose());

    private async Task EditAsync(CancellationToken stop, CancellationToken cancel)
    {
        var random = new Random(seed);
        for (var n = 0; !stop.IsCancellationRequested; n++)
        {
            var name = $"w{n}";
            if (await TryAsync(() => rest.SendAsync<WorkloadView>(HttpMethod.Post, "workloads", new CreateWorkload(name, new Dictionary<string, string> { ["loc"] = "v0" }, [$"10.{n / 65536}.{n / 256 % 256}.{n % 256}"]), cancel), cancel) is not null)
            {
                promises.Workloads[name] = ["v0"];
            }

            if (promises.Workloads.Keys.ElementAtOrDefault(random.Next(promises.Workloads.Count + 1)) is { } chosen)
            {
                // Never a value again that was asked for before.
                var value = $"v{n + 1}";
                promises.Workloads[chosen] = promises.Workloads[chosen].Add(value);
                var edit = new EditLabels([new(chosen, new Dictionary<string, string> { ["loc"] = value }, [], null)], false);
                if (await TryAsync(() => rest.SendAsync<LabelEditResult>(HttpMethod.Post, "workloads/labels", edit, cancel), cancel) is not null)
                {
                    promises.Relabelled(chosen, value);
                }
            }
        }
    }

    private async Task ProvisionAsync(CancellationToken stop, CancellationToken cancel)
    {
        for (var n = 1; !stop.IsCancellationRequested; n++)
        {
            var policy = new PolicyDocument { Services = [new() { Name = "chaos", Ports = [$"tcp/{n % 65535 + 1}"] }] };
            if (await TryAsync(() => rest.SendAsync<DraftStatus>(HttpMethod.Put, "policy/draft", policy, cancel), cancel) is { } draft
                && await TryAsync(() => rest.SendAsync<RevisionView>(HttpMethod.Post, "policy/provision", new Provision($"n{n}", draft.DraftVersion, []), cancel), cancel) is { } revision)
            {
                promises.Revisions[revision.Note] = revision;
            }
        }
    }

    private async Task ActAsync(ChaosAgent agent, CancellationToken stop, CancellationToken cancel)
    {
        while (!stop.IsCancellationRequested)
        {
            if (!promises.Paired.ContainsKey(agent.Name))
            {
                if (await agent.PairAsync(cancel) is { } id)
                {
                    promises.Paired[agent.Name] = id;
                    continue;
                }
            }
            else if (await agent.SendAsync(cancel) is { } port)
            {
                promises.Flows[(agent.Address, port)] = true;
            }

            await Task.Delay(s_pause, cancel);
        }
    }

    /// <summary>Null if there was no answer, or one that says to try again.</summary>
    private static async Task<T?> TryAsync<T>(Func<Task<T>> ask, CancellationToken cancel)
        where T : class
    {
        try
        {
            return await ask();
        }
        catch (BenchException refusal) when (refusal.Status == HttpStatusCode.ServiceUnavailable)
        {
        }
        catch (Exception gone) when (ChaosAgent.IsGone(gone, cancel))
        {
        }

        await Task.Delay(s_pause, cancel);
        return null;
    }
}
