using System.CommandLine;
using System.Globalization;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Pairing;

/// <summary><c>bulkhead pairing-keys</c>: what a host shows when its agent pairs.</summary>
internal static class PairingKeysCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "For people." };
    private static readonly Argument<Guid> Id = new("ID") { Description = "As listed." };
    private static readonly Option<string[]> Networks = new("--network", "-n") { Description = "Where the hosts' addresses lie; repeat for more.", HelpName = "CIDR", Required = true };
    private static readonly Option<string[]> Labels = CommonOptions.Labels("Given to the hosts that pair with it");
    private static readonly Option<int?> MaxUses = new("--max-uses") { Description = "How many hosts may pair with it; no limit if not given.", HelpName = "N" };
    private static readonly Option<Duration> ExpiresIn = CommonOptions.Duration("--expires-in", "When it stops to work", TimeSpan.FromDays(1));
    private static readonly Option<bool> AutoAdmit = new("--auto-admit") { Description = "Hosts enter others' policy at once; otherwise each waits for: bulkhead workloads admit." };

    public static Command Create(CliHost host) => new Command("pairing-keys", "Make, list and revoke the keys that agents pair with.").With(
        new Command("create", "Make a key; its secret is shown this once.").With(Name, Networks, Labels, MaxUses, ExpiresIn, AutoAdmit, CommonOptions.SecretFile).Runs(host, CreateAsync),
        new Command("list", "List the keys.").Runs(host, ListAsync),
        new Command("revoke", "Revoke a key; hosts that paired with it stay paired.").With(Id).Runs(host, async call =>
        {
            await call.SendAsync(HttpMethod.Delete, Query.Path("pairing-keys", call.Value(Id))).ConfigureAwait(false);
            call.Done($"Revoked {call.Value(Id)}.");
        }));

    private static async Task CreateAsync(Call call)
    {
        var request = new CreatePairingKey(
            call.Value(Name),
            CommonOptions.LabelsOf(call.Value(Labels)),
            call.Required(Networks),
            call.Value(MaxUses),
            call.Now + call.Value(ExpiresIn).Length,
            call.Value(AutoAdmit));
        var created = await call.SendAsync<CreatedPairingKey>(HttpMethod.Post, "pairing-keys", request).ConfigureAwait(false);
        if (call.Value(CommonOptions.SecretFile) is { } file)
        {
            PrivateFile.WriteSecret(file, created.Secret);
            call.Show(created.Key, _ => call.Done($"The key is in {file}. On the host, with that file on it:\n  {created.Command}"));
        }
        else
        {
            call.Show(created, _ =>
            {
                call.Terminal.Note("The key, shown this once; put it into a file that only root reads:");
                call.Terminal.Out.WriteLine(created.Secret);
                call.Terminal.Note($"Then, on the host:\n  {created.Command}");
            });
        }
    }

    private static async Task ListAsync(Call call)
    {
        var keys = await call.GetAsync<PairingKeyView[]>("pairing-keys").ConfigureAwait(false);
        call.Show(keys, _ =>
        {
            var listing = new Listing("id", "name", "labels", "networks", "uses", "expires", "admits");
            foreach (var key in keys)
            {
                var uses = key.MaxUses is { } most ? $"{key.Uses} of {most}" : key.Uses.ToString(CultureInfo.InvariantCulture);
                listing.Row(
                    key.Id.ToString(),
                    key.Name,
                    Words.Labels(key.Labels),
                    string.Join(' ', key.Networks),
                    uses,
                    key.Revoked ? new Cell("revoked", new Style(Color.Grey)) : key.Expires.Ago(call.Now),
                    key.AutoAdmit ? "at once" : "on approval");
            }

            listing.WriteTo(call.Terminal.Out, "There are no pairing keys. Make one with: bulkhead pairing-keys create NAME --network CIDR");
        });
    }
}
